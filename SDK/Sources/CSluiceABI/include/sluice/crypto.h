/* "sluice.crypto/1", the host's side: digests, HMAC, AES-256-GCM, signatures, text forms of bytes, random bytes; by OpenSSL.
   Keys are made in init or configure, where they may cost, and used on requests without another set-up. Keys and streams are named by
   numbers, belong to the generation that made them, and are wiped when released, at the latest after destroy. Inputs have at most
   64 MiB (SLUICE_ELIMIT). Results go to `out` of `room` bytes; the size is returned, SLUICE_ELIMIT when it does not fit. Out may be the
   input itself, but must not overlap it otherwise. SLUICE_GONE: no such key or stream any more. SLUICE_EFAULT: the library failed.
   Bracket of all functions, unless it says otherwise: [worker | any | must not park]. */
#ifndef SLUICE_CRYPTO_H
#define SLUICE_CRYPTO_H
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_CRYPTO_1 "sluice.crypto/1"

enum { SLUICE_SHA256 = 1, SLUICE_SHA384 = 2, SLUICE_SHA512 = 3, SLUICE_SHA1 = 4 /* for old formats only: it is broken */ };

/* How a signature was made. */
enum {
  SLUICE_ED25519 = 1,           /* RFC 8032: 64 bytes */
  SLUICE_ECDSA_P256_SHA256 = 2, /* signature in DER (X.509, TLS) */
  SLUICE_ECDSA_P256_JOSE = 3,   /* the same as r and s, 32 bytes each (RFC 7518 "ES256") */
  SLUICE_RSA_PKCS1_SHA256 = 4,  /* RFC 8017 section 8.2; keys of 2048–8192 bits */
  SLUICE_RSA_PSS_SHA256 = 5,    /* RFC 8017 section 8.1, MGF1 with SHA-256, salt of 32 bytes */
};

/* Text forms: RFC 4648 section 4 (padded), section 5 (not padded), and hexadecimal (written in small letters, read in both). */
enum { SLUICE_BASE64 = 1, SLUICE_BASE64URL = 2, SLUICE_HEX = 3 };

enum { SLUICE_GCM_KEY_BYTES = 32, SLUICE_GCM_NONCE_BYTES = 12, SLUICE_GCM_TAG_BYTES = 16 };

/* Names a key or a stream: {slot, generation}; 0 is never one. */
typedef uint64_t sluice_crypto_id;

typedef struct sluice_crypto_v1 {
  /* sizeof(sluice_crypto_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Digest of `count` (≤ 1,024) pieces in a row. */
  int32_t (*digest)(const sluice_host *host, uint32_t algorithm, const sluice_view *pieces, uint32_t count, uint8_t *out, uint32_t room);

  /* Key for HMAC (RFC 2104) with SLUICE_SHA…: 1–4096 bytes. SLUICE_ELIMIT: the generation has 4,096 keys and streams.
     Allocates. */
  int32_t (*make_hmac_key)(const sluice_host *host, uint32_t algorithm, sluice_view key, sluice_crypto_id *id);
  int32_t (*hmac)(const sluice_host *host, sluice_crypto_id key, const sluice_view *pieces, uint32_t count, uint8_t *out, uint32_t room);

  /* 1 when both are the same bytes, else 0; the time taken depends on the sizes only. */
  int32_t (*equal)(sluice_view a, sluice_view b);

  /* Key for AES-256-GCM (NIST SP 800-38D): 32 bytes. Allocates. */
  int32_t (*make_gcm_key)(const sluice_host *host, sluice_view key, sluice_crypto_id *id);

  /* Seals: out = cipher text and tag (room ≥ size + 16). `nonce` has 12 bytes and must never come twice with one key: count, or take a
     random one for at most 2^32 messages a key. `extra` (may be empty) is protected, not sent. */
  int32_t (*seal)(const sluice_host *host, sluice_crypto_id key, sluice_view nonce, sluice_view extra, sluice_view plain, uint8_t *out,
                  uint32_t room);
  /* Opens what seal made. SLUICE_EIO: not genuine (wrong key, nonce, extra or bytes); `out` is wiped. */
  int32_t (*open)(const sluice_host *host, sluice_crypto_id key, sluice_view nonce, sluice_view extra, sluice_view sealed, uint8_t *out,
                  uint32_t room);

  /* The same in pieces: start, update …, finish. Starting allocates once inside the library; the others do not.
     What a stream for opening has given out is NOT genuine before finish_open said SLUICE_OK. */
  int32_t (*start_seal)(const sluice_host *host, sluice_crypto_id key, sluice_view nonce, sluice_view extra, sluice_crypto_id *stream);
  int32_t (*start_open)(const sluice_host *host, sluice_crypto_id key, sluice_view nonce, sluice_view extra, sluice_crypto_id *stream);
  /* As many bytes out as in; 64 GiB - 64 in all (SLUICE_ELIMIT). `out` may be `in.data`. */
  int32_t (*update)(const sluice_host *host, sluice_crypto_id stream, sluice_view in, uint8_t *out);
  /* Writes the tag of 16 bytes; the stream is over, whatever is returned. */
  int32_t (*finish_seal)(const sluice_host *host, sluice_crypto_id stream, uint8_t *tag);
  /* SLUICE_OK: all that update gave out is genuine. SLUICE_EIO: nothing of it is. The stream is over. */
  int32_t (*finish_open)(const sluice_host *host, sluice_crypto_id stream, sluice_view tag);

  /* Public key from PEM or DER (SubjectPublicKeyInfo), or raw: 32 bytes of Ed25519, 65 of an uncompressed P-256 point.
     `algorithm`: what its signatures are; a key of another type is SLUICE_EINVAL. Allocates. */
  int32_t (*make_public_key)(const sluice_host *host, uint32_t algorithm, sluice_view key, sluice_crypto_id *id);
  /* SLUICE_OK: the signature is good. SLUICE_EIO: it is not. Allocates inside the library (tens of microseconds anyway). */
  int32_t (*verify)(const sluice_host *host, sluice_crypto_id key, sluice_view bytes, sluice_view signature);

  /* Ends a key or stream and wipes it. */
  int32_t (*release)(const sluice_host *host, sluice_crypto_id id);

  /* To and from text, strictly: no white space, canonical endings. SLUICE_EINVAL: not of this form. */
  int32_t (*encode)(uint32_t form, sluice_view bytes, uint8_t *out, uint32_t room);
  int32_t (*decode)(uint32_t form, sluice_view text, uint8_t *out, uint32_t room);

  /* Bytes fit for keys; at most 64 KiB a call. */
  int32_t (*random)(uint8_t *out, uint32_t count);
} sluice_crypto_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_crypto_v1) == 152, "sluice_crypto_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_crypto_v1, digest) == 8, "sluice_crypto_v1.digest");
SLUICE_STATIC_ASSERT(offsetof(sluice_crypto_v1, seal) == 48, "sluice_crypto_v1.seal");
SLUICE_STATIC_ASSERT(offsetof(sluice_crypto_v1, start_seal) == 64, "sluice_crypto_v1.start_seal");
SLUICE_STATIC_ASSERT(offsetof(sluice_crypto_v1, make_public_key) == 104, "sluice_crypto_v1.make_public_key");
SLUICE_STATIC_ASSERT(offsetof(sluice_crypto_v1, random) == 144, "sluice_crypto_v1.random");

SLUICE_END
#endif
