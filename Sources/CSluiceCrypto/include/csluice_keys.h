/* What plugins may ask of libcrypto: digests, HMAC, AES-256-GCM, signatures, text forms, random bytes. Numbers of algorithms and forms
   are those of the plugin contract (sluice/crypto.h). Objects are used by one thread at a time; no OpenSSL type passes this
   border, nothing stays on OpenSSL's error queue, and what held a secret is wiped before it is freed. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct cs_piece { const uint8_t *data; uint64_t size; } cs_piece; /* as sluice_view */

/* Digest of the pieces in a row into `out` (64 bytes are always enough); its size, 0: unknown algorithm or refused. */
int cs_digest(uint32_t algorithm, const cs_piece *pieces, uint32_t count, uint8_t *out);
/* Size of the algorithm's digest, 0: unknown. */
int cs_digest_size(uint32_t algorithm);

typedef struct cs_hmac cs_hmac;
cs_hmac *cs_hmac_new(uint32_t algorithm, const uint8_t *key, size_t size); /* NULL: unknown algorithm, or refused */
int cs_hmac_run(cs_hmac *key, const cs_piece *pieces, uint32_t count, uint8_t *out); /* size, 0: refused */
void cs_hmac_free(cs_hmac *key);
int cs_hmac_size(const cs_hmac *key);

/* AES-256-GCM with nonces of 12 and tags of 16 bytes. Results: 1 done, 0 not genuine, -1 refused by the library. */
typedef struct cs_gcm cs_gcm;
typedef struct cs_gcm_stream cs_gcm_stream;
cs_gcm *cs_gcm_new(const uint8_t key[32]);
void cs_gcm_free(cs_gcm *key);
/* `out` has plain.size + 16 bytes. */
int cs_gcm_seal(cs_gcm *key, const uint8_t nonce[12], cs_piece extra, cs_piece plain, uint8_t *out);
/* `out` has sealed.size - 16 bytes, sealed.size ≥ 16; wiped when not genuine. */
int cs_gcm_open(cs_gcm *key, const uint8_t nonce[12], cs_piece extra, cs_piece sealed, uint8_t *out);
/* A stream has its own copy of the key; idle ones of the key are used again. NULL: refused. */
cs_gcm_stream *cs_gcm_start(cs_gcm *key, int opens, const uint8_t nonce[12], cs_piece extra);
/* 1, -1; -2: more than one nonce may protect. */
int cs_gcm_update(cs_gcm_stream *stream, cs_piece in, uint8_t *out);
int cs_gcm_opens(const cs_gcm_stream *stream);
/* Sealing: writes the tag. Opening: compares it. The stream stays the caller's. */
int cs_gcm_finish(cs_gcm_stream *stream, uint8_t tag[16]);
/* Gives the stream to `key` for the next start, or frees it (key NULL: it is gone). */
void cs_gcm_end(cs_gcm_stream *stream, cs_gcm *key);

typedef struct cs_public_key cs_public_key;
/* PEM, DER or raw; NULL: no key of this algorithm. */
cs_public_key *cs_public_key_new(uint32_t algorithm, const uint8_t *bytes, size_t size);
void cs_public_key_free(cs_public_key *key);
/* 1 good, 0 not, -1 refused. */
int cs_public_key_verify(const cs_public_key *key, cs_piece bytes, cs_piece signature);

/* Text forms. Sizes: what encoding gives; the most that decoding may give (exact for hexadecimal). -1: unknown form. */
int64_t cs_encoded_size(uint32_t form, uint64_t size);
int64_t cs_decoded_size(uint32_t form, cs_piece text); /* -2: cannot be of this form */
void cs_encode(uint32_t form, cs_piece bytes, uint8_t *out);
int cs_decode(uint32_t form, cs_piece text, uint8_t *out); /* 1, 0: not of this form */

int cs_random(uint8_t *out, size_t size); /* 1, 0 */
int cs_equal(const uint8_t *a, const uint8_t *b, size_t size); /* 1, 0; in constant time */
