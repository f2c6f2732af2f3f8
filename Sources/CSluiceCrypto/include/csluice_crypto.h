/* OpenSSL's libcrypto in as few words as the gateway needs; no OpenSSL type passes this border. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "csluice_keys.h" /* what plugins may ask for */

/* SHA-256 (FIPS 180-4) of `n` bytes into `out`; 1 on success, 0 when the library refused. */
int cs_sha256(const void *p, size_t n, uint8_t out[32]);

/* The 32 bytes of the Ed25519 public key in a PEM text (RFC 8410) of `n` bytes; 1 on success, 0 when it is none. */
int cs_ed25519_public_key(const uint8_t *pem, size_t n, uint8_t out[32]);

/* 1 when `signature` is that of `key` over the `n` bytes at `p` (Ed25519, RFC 8032), else 0. */
int cs_ed25519_verify(const uint8_t key[32], const uint8_t signature[64], const void *p, size_t n);
