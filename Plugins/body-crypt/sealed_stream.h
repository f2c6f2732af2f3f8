/* The wire format of body-crypt and its keys: a message is a preamble and segments, each sealed on its own, so that a body is protected
   while it streams and nothing has to be held back. README.md has the format as a table. Reading configurations and hooks are in
   body_crypt.c; nothing here knows of HTTP. */
#ifndef SEALED_STREAM_H
#define SEALED_STREAM_H
#include <sluice/sluice.h>
#include <string.h>

enum {
  SEGMENT_BYTES_MAX = 65536,  /* plain bytes of a segment */
  SEGMENT_HEAD_BYTES = 4,     /* big-endian: bit 31 = last, the rest = plain bytes */
  SALT_BYTES = 16,
  KEY_ID_BYTES_MAX = 64,
  PREAMBLE_BYTES_MAX = 4 + SALT_BYTES + 1 + KEY_ID_BYTES_MAX,
  SEGMENT_OVERHEAD = SEGMENT_HEAD_BYTES + SLUICE_GCM_TAG_BYTES,
};
#define SEGMENT_IS_LAST 0x80000000u
#define STREAM_MAGIC "SLS1"

typedef struct master_key {
  char id[KEY_ID_BYTES_MAX];
  uint32_t id_size;
  sluice_crypto_id hmac;
} master_key;

/* One message in either direction. `key` is of this message alone: a nonce never comes twice, though it only counts. */
typedef struct sealed_stream {
  sluice_crypto_id key; /* 0: over, or never begun */
  uint32_t counter;
  uint32_t is_last; /* nothing may follow */
} sealed_stream;

/* The message's own key: HMAC-SHA256(master key, "sluice body-crypt 1" direction salt key-id), one block of HKDF-Expand (RFC 5869) over a
   master key that is uniformly random. The direction keeps a request from being played back as a response. */
static inline int32_t stream_begin(const sluice_crypto_v1 *crypto, const sluice_host *host, const master_key *master, sluice_view direction,
                                   const uint8_t *salt, sealed_stream *stream) {
  uint8_t own[SLUICE_GCM_KEY_BYTES];
  sluice_view pieces[] = {SLUICE_VIEW("sluice body-crypt 1"), direction, sluice_view_of(salt, SALT_BYTES),
                          sluice_view_of(master->id, master->id_size), SLUICE_VIEW("\1")};
  *stream = (sealed_stream){0};
  int32_t status = crypto->hmac(host, master->hmac, pieces, sizeof pieces / sizeof *pieces, own, sizeof own);
  if (status >= 0) status = crypto->make_gcm_key(host, sluice_view_of(own, sizeof own), &stream->key);
  explicit_bzero(own, sizeof own);
  return status < 0 ? status : SLUICE_OK;
}

static inline void stream_end(const sluice_crypto_v1 *crypto, const sluice_host *host, sealed_stream *stream) {
  if (stream->key) crypto->release(host, stream->key);
  stream->key = 0;
}

static inline void put_be32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}
static inline uint32_t get_be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* As in STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the place in the message and whether it is the end are in the nonce, so
   segments can be neither dropped nor swapped nor cut off behind any of them. */
static inline void stream_nonce(const sealed_stream *stream, uint32_t is_last, uint8_t *nonce) {
  memset(nonce, 0, SLUICE_GCM_NONCE_BYTES);
  put_be32(nonce + 7, stream->counter);
  nonce[11] = (uint8_t)is_last;
}

/* Seals one segment into `out` (plain.size + SEGMENT_OVERHEAD bytes). Returns how many, or an error; SLUICE_ELIMIT after 2^32 segments. */
static inline int32_t stream_seal(const sluice_crypto_v1 *crypto, const sluice_host *host, sealed_stream *stream, sluice_view plain,
                                  uint32_t is_last, uint8_t *out) {
  uint8_t nonce[SLUICE_GCM_NONCE_BYTES];
  if (stream->is_last || stream->counter == UINT32_MAX) return SLUICE_ELIMIT;
  put_be32(out, (uint32_t)plain.size | (is_last ? SEGMENT_IS_LAST : 0));
  stream_nonce(stream, is_last, nonce);
  int32_t n = crypto->seal(host, stream->key, sluice_view_of(nonce, sizeof nonce), sluice_view_of(out, SEGMENT_HEAD_BYTES), plain,
                           out + SEGMENT_HEAD_BYTES, (uint32_t)plain.size + SLUICE_GCM_TAG_BYTES);
  stream->counter++;
  stream->is_last = is_last;
  return n < 0 ? n : n + SEGMENT_HEAD_BYTES;
}

/* Opens the segment at `*at` in place and moves `*at` behind it; `*plain` shows what it held. SLUICE_EIO: cut off, too long, not genuine. */
static inline int32_t stream_open(const sluice_crypto_v1 *crypto, const sluice_host *host, sealed_stream *stream, uint8_t **at,
                                  const uint8_t *end, sluice_view *plain) {
  uint8_t nonce[SLUICE_GCM_NONCE_BYTES], *head = *at;
  if (end - head < SEGMENT_OVERHEAD || stream->is_last || stream->counter == UINT32_MAX) return SLUICE_EIO;
  uint32_t word = get_be32(head), is_last = word >> 31, size = word & ~SEGMENT_IS_LAST;
  if (size > SEGMENT_BYTES_MAX || (uint64_t)(end - head) < (uint64_t)size + SEGMENT_OVERHEAD) return SLUICE_EIO;
  uint8_t *sealed = head + SEGMENT_HEAD_BYTES;
  stream_nonce(stream, is_last, nonce);
  int32_t n = crypto->open(host, stream->key, sluice_view_of(nonce, sizeof nonce), sluice_view_of(head, SEGMENT_HEAD_BYTES),
                           sluice_view_of(sealed, size + SLUICE_GCM_TAG_BYTES), sealed, size + SLUICE_GCM_TAG_BYTES);
  if (n < 0) return n;
  stream->counter++;
  stream->is_last = is_last;
  *plain = sluice_view_of(sealed, size);
  *at = sealed + size + SLUICE_GCM_TAG_BYTES;
  return SLUICE_OK;
}

#endif
