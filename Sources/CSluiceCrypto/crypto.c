/* Digests and signatures of files by OpenSSL; plugins' crypto is in the files beside it. The words are explained in include/csluice_crypto.h. */
#include "include/csluice_crypto.h"
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* Before anything of OpenSSL is used: without its handler for the end of the process. A plugin that runs the process's handlers when it is
   unloaded (a damaged __dso_handle is enough) would otherwise end OpenSSL under everybody's feet. Freed by the system with the process. */
__attribute__((constructor)) static void keep_openssl(void) { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); }

int cs_sha256(const void *p, size_t n, uint8_t out[32]) {
  unsigned size = 32;
  return EVP_Digest(p, n, out, &size, EVP_sha256(), NULL) == 1 && size == 32;
}

int cs_ed25519_public_key(const uint8_t *pem, size_t n, uint8_t out[32]) {
  if (n > INT_MAX) return 0;
  BIO *bio = BIO_new_mem_buf(pem, (int)n);
  EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
  size_t size = 32;
  int ok = key && EVP_PKEY_id(key) == EVP_PKEY_ED25519 && EVP_PKEY_get_raw_public_key(key, out, &size) == 1 && size == 32;
  EVP_PKEY_free(key);
  BIO_free(bio);
  return ok;
}

int cs_ed25519_verify(const uint8_t key[32], const uint8_t signature[64], const void *p, size_t n) {
  EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  int ok = public && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) == 1 && EVP_DigestVerify(ctx, signature, 64, p, n) == 1;
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(public);
  return ok;
}
