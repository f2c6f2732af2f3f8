/* What the files of this folder share: OpenSSL's algorithms, fetched once a process (a fetch costs microseconds and takes locks). */
#pragma once
#include <openssl/err.h>
#include <openssl/evp.h>
#include "include/csluice_keys.h"

struct cs_algorithms {
  EVP_MD *digests[5]; /* by number of the contract; 0 is none */
  EVP_MAC *hmac;
  EVP_CIPHER *gcm;
};
/* NULL fields: this libcrypto has none. */
const struct cs_algorithms *cs_algorithms(void);
/* Name of a digest for parameters, NULL: unknown number. */
const char *cs_digest_name(uint32_t algorithm);
