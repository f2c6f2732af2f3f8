/* Digests and HMAC over pieces. A digest runs in a context of the thread, a key in its own: no call allocates in this file, and libcrypto
   allocates only where its provider does. Words are explained in include/csluice_keys.h. */
#include "algorithms.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

static struct cs_algorithms all;
static pthread_once_t once = PTHREAD_ONCE_INIT;

const char *cs_digest_name(uint32_t algorithm) {
  static const char *const names[] = {NULL, "SHA256", "SHA384", "SHA512", "SHA1"};
  return algorithm < 5 ? names[algorithm] : NULL;
}

static void fetch(void) {
  for (uint32_t i = 1; i < 5; i++) all.digests[i] = EVP_MD_fetch(NULL, cs_digest_name(i), NULL);
  all.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  all.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  ERR_clear_error();
}

const struct cs_algorithms *cs_algorithms(void) {
  pthread_once(&once, fetch);
  return &all;
}

int cs_digest_size(uint32_t algorithm) {
  if (algorithm == 0 || algorithm > 4 || !cs_algorithms()->digests[algorithm]) return 0;
  return EVP_MD_get_size(cs_algorithms()->digests[algorithm]);
}

int cs_digest(uint32_t algorithm, const cs_piece *pieces, uint32_t count, uint8_t *out) {
  static _Thread_local EVP_MD_CTX *contexts[5]; /* one an algorithm: starting it again keeps its state's memory */
  unsigned size = 0;
  if (cs_digest_size(algorithm) == 0) return 0;
  if (!contexts[algorithm] && !(contexts[algorithm] = EVP_MD_CTX_new())) return 0;
  EVP_MD_CTX *c = contexts[algorithm];
  int good = EVP_DigestInit_ex2(c, cs_algorithms()->digests[algorithm], NULL);
  for (uint32_t i = 0; good == 1 && i < count; i++) good = EVP_DigestUpdate(c, pieces[i].data, pieces[i].size);
  if (good == 1) good = EVP_DigestFinal_ex(c, out, &size);
  if (good != 1) ERR_clear_error();
  return good == 1 ? (int)size : 0;
}

struct cs_hmac { EVP_MAC_CTX *context; int size; };

cs_hmac *cs_hmac_new(uint32_t algorithm, const uint8_t *key, size_t size) {
  if (cs_digest_size(algorithm) == 0 || !cs_algorithms()->hmac) return NULL;
  cs_hmac *made = OPENSSL_zalloc(sizeof *made);
  if (!made) return NULL;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)cs_digest_name(algorithm), 0), OSSL_PARAM_construct_end()};
  made->context = EVP_MAC_CTX_new(cs_algorithms()->hmac);
  made->size = cs_digest_size(algorithm);
  if (made->context && EVP_MAC_init(made->context, key, size, parameters) == 1) return made;
  ERR_clear_error();
  cs_hmac_free(made);
  return NULL;
}

int cs_hmac_run(cs_hmac *key, const cs_piece *pieces, uint32_t count, uint8_t *out) {
  size_t size = 0;
  int good = EVP_MAC_init(key->context, NULL, 0, NULL); /* with the key it has */
  for (uint32_t i = 0; good == 1 && i < count; i++) good = EVP_MAC_update(key->context, pieces[i].data, pieces[i].size);
  if (good == 1) good = EVP_MAC_final(key->context, out, &size, (size_t)key->size);
  if (good != 1) ERR_clear_error();
  return good == 1 ? (int)size : 0;
}

int cs_hmac_size(const cs_hmac *key) { return key->size; }

void cs_hmac_free(cs_hmac *key) {
  if (!key) return;
  EVP_MAC_CTX_free(key->context); /* wipes the key */
  OPENSSL_free(key);
}

int cs_random(uint8_t *out, size_t size) {
  int good = size == 0 || RAND_bytes(out, (int)size) == 1;
  if (!good) ERR_clear_error();
  return good;
}
int cs_equal(const uint8_t *a, const uint8_t *b, size_t size) { return size == 0 || CRYPTO_memcmp(a, b, size) == 0; }
