/* Keys and signatures for plugin authors: Ed25519 (RFC 8032) in PEM (RFC 8410). Used by the command line only. */
#include "include/csluice_signing.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

void cs_wipe(void *p, size_t n) { OPENSSL_cleanse(p, n); }

/* A memory BIO's text into `out`; 0 when it does not fit. */
static int take(BIO *bio, uint8_t *out, size_t room, size_t *size) {
  char *text;
  long n = BIO_get_mem_data(bio, &text);
  if (n <= 0 || (size_t)n > room) return 0;
  memcpy(out, text, (size_t)n);
  *size = (size_t)n;
  return 1;
}

int cs_ed25519_generate(uint8_t *secret, size_t secret_room, size_t *secret_size, uint8_t *open, size_t open_room, size_t *open_size) {
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  BIO *hidden = BIO_new(BIO_s_secmem()), *shown = BIO_new(BIO_s_mem());
  int good = key && hidden && shown && PEM_write_bio_PrivateKey(hidden, key, NULL, NULL, 0, NULL, NULL) == 1
             && PEM_write_bio_PUBKEY(shown, key) == 1 && take(hidden, secret, secret_room, secret_size) && take(shown, open, open_room, open_size);
  BIO_free(hidden);
  BIO_free(shown);
  EVP_PKEY_free(key);
  return good;
}

/* No passphrase is ever asked for on a terminal. */
static int no_passphrase(char *out, int size, int writing, void *data) {
  (void)out, (void)size, (void)writing, (void)data;
  return -1;
}

int cs_ed25519_sign(const uint8_t *pem, size_t n, const void *p, size_t size, uint8_t out[64]) {
  BIO *bio = n <= 65536 ? BIO_new_mem_buf(pem, (int)n) : NULL;
  EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  size_t room = 64;
  int good = key && context && EVP_PKEY_is_a(key, "ED25519") && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1
             && EVP_DigestSign(context, out, &room, p, size) == 1 && room == 64;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return good;
}
