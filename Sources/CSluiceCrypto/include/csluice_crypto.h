/* OpenSSL's libcrypto in as few words as the gateway needs; no OpenSSL type passes this border. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "csluice_keys.h" /* what plugins may ask for */

/* SHA-256 (FIPS 180-4) of `n` bytes into `out`; 1 on success, 0 when the library refused. */
int cs_sha256(const void *p, size_t n, uint8_t out[32]);
