/* The table of sluice.crypto/1 for fake hosts: arguments are checked as the gateway checks them (SluicePlugins' HostTables+Crypto), keys
   and streams are slots by {slot, generation}. No cryptography stands here: that is in the files beside it. */
#include "include/csluice_keys.h"
#include "include/sluice_fake_crypto.h"

enum { BYTES_MAX = 64 << 20, PIECES_MAX = 1024, OBJECTS_MAX = 4096, HMAC_KEY_MAX = 4096, PUBLIC_KEY_MAX = 16384, RANDOM_MAX = 64 << 10 };
enum { NONE, HMAC_KEY, GCM_KEY, PUBLIC_KEY, STREAM };

/* `of`: a stream's key. */
static struct object { const sluice_host *host; void *it; uint32_t kind, generation; sluice_crypto_id of; } objects[OBJECTS_MAX];
static uint8_t nothing[1];

static struct object *find(const sluice_host *host, sluice_crypto_id id, uint32_t kind) {
  struct object *o = &objects[(uint32_t)id % OBJECTS_MAX];
  if ((uint32_t)id >= OBJECTS_MAX || !o->kind || o->generation != id >> 32 || o->host != host) return NULL;
  return kind == NONE || o->kind == kind ? o : NULL;
}
static struct object *free_slot(const sluice_host *host) {
  struct object *found = NULL;
  uint32_t count = 0;
  for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
    if (!objects[i].kind && !found) found = &objects[i];
    count += objects[i].kind && objects[i].host == host;
  }
  return count < OBJECTS_MAX ? found : NULL;
}
static int32_t keep(const sluice_host *host, struct object *slot, void *it, uint32_t kind, sluice_crypto_id of, sluice_crypto_id *id,
                    int32_t refused) {
  if (!it) return refused;
  *slot = (struct object){host, it, kind, slot->generation + 1, of};
  *id = (uint64_t)slot->generation << 32 | (uint64_t)(slot - objects);
  return SLUICE_OK;
}
static void drop(struct object *o) {
  struct object *key = o->kind == STREAM ? find(o->host, o->of, GCM_KEY) : NULL;
  if (o->kind == HMAC_KEY) cs_hmac_free(o->it);
  if (o->kind == GCM_KEY) cs_gcm_free(o->it);
  if (o->kind == PUBLIC_KEY) cs_public_key_free(o->it);
  if (o->kind == STREAM) cs_gcm_end(o->it, key ? key->it : NULL);
  o->kind = NONE;
}
uint32_t sluice_fake_crypto_end(const sluice_host *host) {
  uint32_t count = 0;
  for (int streams = 1; streams >= 0; streams--)
    for (uint32_t i = 0; i < OBJECTS_MAX; i++)
      if (objects[i].kind && objects[i].host == host && (objects[i].kind == STREAM || !streams)) count++, drop(&objects[i]);
  return count;
}

/* SLUICE_OK, or what is wrong with an input. */
static int32_t input(sluice_view v, cs_piece *piece) {
  if (v.size && !v.data) return SLUICE_EINVAL;
  *piece = (cs_piece){v.size ? v.data : nothing, v.size};
  return v.size > BYTES_MAX ? SLUICE_ELIMIT : SLUICE_OK;
}
static int32_t inputs(const sluice_view *pieces, uint32_t count, cs_piece *list) {
  uint64_t total = 0;
  if (count && !pieces) return SLUICE_EINVAL;
  if (count > PIECES_MAX) return SLUICE_ELIMIT;
  for (uint32_t i = 0; i < count; i++) {
    int32_t status = input(pieces[i], &list[i]);
    if (status < 0) return status;
    total += list[i].size;
  }
  return total > BYTES_MAX ? SLUICE_ELIMIT : SLUICE_OK;
}

static int32_t digest(const sluice_host *host, uint32_t algorithm, const sluice_view *pieces, uint32_t count, uint8_t *out, uint32_t room) {
  cs_piece list[PIECES_MAX];
  int32_t status = host ? inputs(pieces, count, list) : SLUICE_EINVAL, size = cs_digest_size(algorithm);
  if (status < 0) return status;
  if (!size || !out) return SLUICE_EINVAL;
  if ((uint32_t)size > room) return SLUICE_ELIMIT;
  return cs_digest(algorithm, list, count, out) == size ? size : SLUICE_EFAULT;
}

static int32_t make_hmac_key(const sluice_host *host, uint32_t algorithm, sluice_view key, sluice_crypto_id *id) {
  if (!host || !id || !key.data || !key.size || !cs_digest_size(algorithm)) return SLUICE_EINVAL;
  struct object *slot = free_slot(host);
  if (key.size > HMAC_KEY_MAX || !slot) return SLUICE_ELIMIT;
  return keep(host, slot, cs_hmac_new(algorithm, key.data, key.size), HMAC_KEY, 0, id, SLUICE_EFAULT);
}
static int32_t hmac(const sluice_host *host, sluice_crypto_id id, const sluice_view *pieces, uint32_t count, uint8_t *out, uint32_t room) {
  cs_piece list[PIECES_MAX];
  if (!host) return SLUICE_EINVAL;
  struct object *key = find(host, id, HMAC_KEY);
  if (!key) return SLUICE_GONE;
  int32_t status = inputs(pieces, count, list), size = cs_hmac_size(key->it);
  if (status < 0) return status;
  if (!out) return SLUICE_EINVAL;
  if ((uint32_t)size > room) return SLUICE_ELIMIT;
  return cs_hmac_run(key->it, list, count, out) == size ? size : SLUICE_EFAULT;
}
static int32_t equal(sluice_view a, sluice_view b) {
  cs_piece x, y;
  if (input(a, &x) == SLUICE_EINVAL || input(b, &y) == SLUICE_EINVAL || a.size != b.size) return 0;
  return cs_equal(x.data, y.data, x.size);
}

static int32_t make_gcm_key(const sluice_host *host, sluice_view key, sluice_crypto_id *id) {
  if (!host || !id || !key.data || key.size != SLUICE_GCM_KEY_BYTES) return SLUICE_EINVAL;
  struct object *slot = free_slot(host);
  return slot ? keep(host, slot, cs_gcm_new(key.data), GCM_KEY, 0, id, SLUICE_EFAULT) : SLUICE_ELIMIT;
}
static int32_t whole(const sluice_host *host, sluice_crypto_id id, sluice_view nonce, sluice_view extra, sluice_view text, uint8_t *out,
                     uint32_t room, int opens) {
  cs_piece more, in;
  if (!host || !nonce.data || nonce.size != SLUICE_GCM_NONCE_BYTES) return SLUICE_EINVAL;
  int32_t a = input(extra, &more), b = input(text, &in);
  if (a < 0 || b < 0) return a < 0 ? a : b;
  struct object *key = find(host, id, GCM_KEY);
  if (!key) return SLUICE_GONE;
  if (opens && in.size < SLUICE_GCM_TAG_BYTES) return SLUICE_EIO;
  uint64_t size = opens ? in.size - SLUICE_GCM_TAG_BYTES : in.size + SLUICE_GCM_TAG_BYTES;
  if (size > room) return SLUICE_ELIMIT;
  if (!out && size) return SLUICE_EINVAL;
  uint8_t *to = out ? out : nothing;
  int done = opens ? cs_gcm_open(key->it, nonce.data, more, in, to) : cs_gcm_seal(key->it, nonce.data, more, in, to);
  return done == 1 ? (int32_t)size : done == 0 ? SLUICE_EIO : SLUICE_EFAULT;
}
static int32_t seal(const sluice_host *host, sluice_crypto_id id, sluice_view nonce, sluice_view extra, sluice_view text, uint8_t *out,
                    uint32_t room) { return whole(host, id, nonce, extra, text, out, room, 0); }
static int32_t open_sealed(const sluice_host *host, sluice_crypto_id id, sluice_view nonce, sluice_view extra, sluice_view sealed,
                           uint8_t *out, uint32_t room) { return whole(host, id, nonce, extra, sealed, out, room, 1); }

static int32_t start(const sluice_host *host, sluice_crypto_id id, sluice_view nonce, sluice_view extra, sluice_crypto_id *stream, int opens) {
  cs_piece more;
  if (!host || !stream || !nonce.data || nonce.size != SLUICE_GCM_NONCE_BYTES) return SLUICE_EINVAL;
  int32_t status = input(extra, &more);
  if (status < 0) return status;
  struct object *key = find(host, id, GCM_KEY), *slot = free_slot(host);
  if (!key) return SLUICE_GONE;
  return slot ? keep(host, slot, cs_gcm_start(key->it, opens, nonce.data, more), STREAM, id, stream, SLUICE_EFAULT) : SLUICE_ELIMIT;
}
static int32_t start_seal(const sluice_host *host, sluice_crypto_id key, sluice_view nonce, sluice_view extra, sluice_crypto_id *stream) {
  return start(host, key, nonce, extra, stream, 0);
}
static int32_t start_open(const sluice_host *host, sluice_crypto_id key, sluice_view nonce, sluice_view extra, sluice_crypto_id *stream) {
  return start(host, key, nonce, extra, stream, 1);
}
static int32_t update(const sluice_host *host, sluice_crypto_id id, sluice_view view, uint8_t *out) {
  cs_piece in;
  if (!host || (!out && view.size)) return SLUICE_EINVAL;
  int32_t status = input(view, &in);
  if (status < 0) return status;
  struct object *stream = find(host, id, STREAM);
  if (!stream) return SLUICE_GONE;
  int done = cs_gcm_update(stream->it, in, out ? out : nothing);
  return done == 1 ? SLUICE_OK : done == -2 ? SLUICE_ELIMIT : SLUICE_EFAULT;
}
static int32_t end_seal(const sluice_host *host, sluice_crypto_id id, uint8_t *tag) {
  if (!host || !tag) return SLUICE_EINVAL;
  struct object *stream = find(host, id, STREAM);
  if (!stream) return SLUICE_GONE;
  int32_t done = cs_gcm_opens(stream->it) ? SLUICE_EINVAL : cs_gcm_finish(stream->it, tag) == 1 ? SLUICE_OK : SLUICE_EFAULT;
  drop(stream);
  return done;
}
static int32_t end_open(const sluice_host *host, sluice_crypto_id id, sluice_view tag) {
  if (!host) return SLUICE_EINVAL;
  struct object *stream = find(host, id, STREAM);
  if (!stream) return SLUICE_GONE;
  int32_t done = SLUICE_EINVAL;
  if (tag.data && tag.size == SLUICE_GCM_TAG_BYTES && cs_gcm_opens(stream->it)) {
    int result = cs_gcm_finish(stream->it, (uint8_t *)(uintptr_t)tag.data);
    done = result == 1 ? SLUICE_OK : result == 0 ? SLUICE_EIO : SLUICE_EFAULT;
  }
  drop(stream);
  return done;
}

static int32_t make_public_key(const sluice_host *host, uint32_t algorithm, sluice_view key, sluice_crypto_id *id) {
  if (!host || !id || (key.size && !key.data)) return SLUICE_EINVAL;
  struct object *slot = free_slot(host);
  if (key.size > PUBLIC_KEY_MAX || !slot) return SLUICE_ELIMIT;
  return keep(host, slot, cs_public_key_new(algorithm, key.size ? key.data : nothing, key.size), PUBLIC_KEY, 0, id, SLUICE_EINVAL);
}
static int32_t verify(const sluice_host *host, sluice_crypto_id id, sluice_view bytes, sluice_view signature) {
  cs_piece text, signed_by;
  if (!host) return SLUICE_EINVAL;
  int32_t a = input(bytes, &text), b = input(signature, &signed_by);
  if (a < 0 || b < 0) return a < 0 ? a : b;
  struct object *key = find(host, id, PUBLIC_KEY);
  if (!key) return SLUICE_GONE;
  int good = cs_public_key_verify(key->it, text, signed_by);
  return good == 1 ? SLUICE_OK : good == 0 ? SLUICE_EIO : SLUICE_EFAULT;
}
static int32_t release(const sluice_host *host, sluice_crypto_id id) {
  struct object *o = find(host, id, NONE);
  if (!host) return SLUICE_EINVAL;
  if (!o) return SLUICE_GONE;
  drop(o);
  return SLUICE_OK;
}

static int32_t convert(uint32_t form, sluice_view view, uint8_t *out, uint32_t room, int decodes) {
  cs_piece in;
  int32_t status = input(view, &in);
  if (status < 0) return status;
  int64_t size = decodes ? cs_decoded_size(form, in) : cs_encoded_size(form, in.size);
  if (size < 0) return SLUICE_EINVAL;
  if (size > (int64_t)room) return SLUICE_ELIMIT;
  if (size == 0) return in.size == 0 ? 0 : SLUICE_EINVAL;
  if (!out) return SLUICE_EINVAL;
  if (!decodes) return cs_encode(form, in, out), (int32_t)size;
  return cs_decode(form, in, out) == 1 ? (int32_t)size : SLUICE_EINVAL;
}
static int32_t encode(uint32_t form, sluice_view bytes, uint8_t *out, uint32_t room) { return convert(form, bytes, out, room, 0); }
static int32_t decode(uint32_t form, sluice_view text, uint8_t *out, uint32_t room) { return convert(form, text, out, room, 1); }
static int32_t fill_random(uint8_t *out, uint32_t count) {
  if (!count) return SLUICE_OK;
  if (!out) return SLUICE_EINVAL;
  if (count > RANDOM_MAX) return SLUICE_ELIMIT;
  return cs_random(out, count) == 1 ? SLUICE_OK : SLUICE_EFAULT;
}

const sluice_crypto_v1 sluice_fake_crypto = {
    sizeof(sluice_crypto_v1), 0, digest, make_hmac_key, hmac, equal, make_gcm_key, seal, open_sealed, start_seal, start_open, update,
    end_seal, end_open, make_public_key, verify, release, encode, decode, fill_random,
};
