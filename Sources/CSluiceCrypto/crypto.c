/* The one file that includes OpenSSL's headers. Its words are explained in include/csluice_crypto.h. */
#include "include/csluice_crypto.h"
#include <openssl/evp.h>

int cs_sha256(const void *p, size_t n, uint8_t out[32]) {
  unsigned size = 32;
  return EVP_Digest(p, n, out, &size, EVP_sha256(), NULL) == 1 && size == 32;
}
