/* What the control process needs to keep secrets: passwords made one-way, certificates and keys looked at. Objects belong to one thread at
   a time; no OpenSSL type passes this border, and nothing stays on OpenSSL's error queue. Sealing is in csluice_keys.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* scrypt (RFC 7914) with cost 2^log_n, block size 8 and one lane into `out`; takes 1 KiB << log_n of memory. 1, 0: refused. */
int cs_scrypt(const uint8_t *password, size_t size, const uint8_t *salt, size_t salt_size, unsigned log_n, uint8_t *out, size_t out_size);

typedef struct cs_certificate {
  int64_t not_before, not_after; /* Unix seconds */
  uint8_t sha256[32];            /* of the leaf's DER form */
  uint32_t count;                /* certificates in the chain */
  char subject[512];             /* RFC 2253, cut when longer */
  char issuer[512];
  char names[4096]; /* DNS names and addresses of the leaf, one a line; as many as fit */
} cs_certificate;

enum { CS_CERT_GOOD = 1, CS_CERT_BAD_CHAIN = -1, CS_CERT_BAD_KEY = -2, CS_CERT_OTHER_KEY = -3, CS_CERT_TOO_LONG = -4 };
/* Reads a PEM chain (the leaf first, at most 10), and holds the private key in the PEM text `key` against the leaf; NULL: only the chain. */
int cs_certificate_read(const uint8_t *chain, size_t size, const uint8_t *key, size_t key_size, cs_certificate *out);
