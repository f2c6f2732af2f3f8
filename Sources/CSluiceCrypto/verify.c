/* Public keys and signatures: which keys are accepted for which algorithm, and nothing but that. Words are explained in
   include/csluice_keys.h; the algorithms' numbers are those of the plugin contract. */
#include "algorithms.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { ED25519 = 1, P256_DER = 2, P256_JOSE = 3, RSA_PKCS1 = 4, RSA_PSS = 5 };
enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, KEY_BYTES_MAX = 16384 };

struct cs_public_key { EVP_PKEY *key; uint32_t algorithm; };

static EVP_PKEY *from_pem(const uint8_t *p, size_t n) {
  BIO *b = BIO_new_mem_buf(p, (int)n);
  EVP_PKEY *key = b ? PEM_read_bio_PUBKEY(b, NULL, NULL, NULL) : NULL;
  BIO_free(b);
  return key;
}
static EVP_PKEY *from_point(const uint8_t *p, size_t n) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)p, n), OSSL_PARAM_construct_end()};
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (!c || EVP_PKEY_fromdata_init(c) != 1 || EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) key = NULL;
  EVP_PKEY_CTX_free(c);
  return key;
}
static EVP_PKEY *from_der(const uint8_t *p, size_t n) {
  const uint8_t *at = p;
  EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)n);
  if (key && at != p + n) { EVP_PKEY_free(key); key = NULL; } /* something follows */
  return key;
}

/* Is it a key that `algorithm` is made with, and a sound one? */
static int fits(EVP_PKEY *key, uint32_t algorithm) {
  char group[32];
  if (algorithm == ED25519) return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  if (algorithm == RSA_PKCS1 || algorithm == RSA_PSS) {
    int bits = EVP_PKEY_get_bits(key);
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
  }
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1) return 0;
  if (strcmp(group, "prime256v1") != 0) return 0;
  EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  int good = c && EVP_PKEY_public_check(c) == 1; /* the point is on the curve */
  EVP_PKEY_CTX_free(c);
  return good;
}

cs_public_key *cs_public_key_new(uint32_t algorithm, const uint8_t *p, size_t n) {
  EVP_PKEY *key = NULL;
  if (algorithm < ED25519 || algorithm > RSA_PSS || n == 0 || n > KEY_BYTES_MAX) return NULL;
  if (n > 10 && memcmp(p, "-----BEGIN", 10) == 0) key = from_pem(p, n);
  else if (algorithm == ED25519 && n == 32) key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, n);
  else if ((algorithm == P256_DER || algorithm == P256_JOSE) && n == 65 && p[0] == 4) key = from_point(p, n);
  else key = from_der(p, n);
  cs_public_key *made = key && fits(key, algorithm) ? OPENSSL_zalloc(sizeof *made) : NULL;
  ERR_clear_error();
  if (!made) { EVP_PKEY_free(key); return NULL; }
  made->key = key;
  made->algorithm = algorithm;
  return made;
}

void cs_public_key_free(cs_public_key *key) {
  if (!key) return;
  EVP_PKEY_free(key->key);
  OPENSSL_free(key);
}

/* r and s in a row as DER; its size, 0: refused. */
static int der_of(const uint8_t *rs, uint8_t **der) {
  ECDSA_SIG *sig = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(rs, 32, NULL), *s = BN_bin2bn(rs + 32, 32, NULL);
  int size = 0;
  if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) size = i2d_ECDSA_SIG(sig, der);
  else { BN_free(r); BN_free(s); }
  ECDSA_SIG_free(sig);
  return size > 0 ? size : 0;
}

static int check(EVP_MD_CTX *c, const cs_public_key *key, cs_piece bytes, cs_piece signature) {
  EVP_PKEY_CTX *options = NULL;
  const char *digest = key->algorithm == ED25519 ? NULL : "SHA256";
  if (EVP_DigestVerifyInit_ex(c, &options, digest, NULL, NULL, key->key, NULL) != 1) return -1;
  if (key->algorithm == RSA_PSS
      && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1
          || EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) return -1;
  return EVP_DigestVerify(c, signature.data, signature.size, bytes.data, bytes.size) == 1;
}

int cs_public_key_verify(const cs_public_key *key, cs_piece bytes, cs_piece signature) {
  static const uint8_t none[1];
  uint8_t *der = NULL;
  if (!bytes.data) bytes.data = none;
  if (signature.size == 0) return 0;
  if (key->algorithm == P256_JOSE) {
    if (signature.size != 64) return 0;
    signature.size = (uint64_t)der_of(signature.data, &der);
    signature.data = der;
    if (!der) return -1;
  }
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  int result = c ? check(c, key, bytes, signature) : -1;
  EVP_MD_CTX_free(c);
  OPENSSL_free(der);
  ERR_clear_error();
  return result;
}
