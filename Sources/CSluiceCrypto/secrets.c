/* Passwords made one-way, and certificates looked at. The words are explained in include/csluice_secrets.h; used by the control process
   only. Never here: sealing (gcm.c), and anything of a TLS connection. */
#include "include/csluice_secrets.h"
#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int cs_scrypt(const uint8_t *password, size_t size, const uint8_t *salt, size_t salt_size, unsigned log_n, uint8_t *out, size_t out_size) {
  if (log_n < 1 || log_n > 20) return 0;
  uint64_t n = 1ull << log_n;
  int good = EVP_PBE_scrypt((const char *)password, size, salt, salt_size, n, 8, 1, n * 2048, out, out_size) == 1;
  if (!good) ERR_clear_error();
  return good;
}

/* Never asks a terminal. */
static int no_passphrase(char *out, int size, int writing, void *data) {
  (void)out, (void)size, (void)writing, (void)data;
  return -1;
}

static int seconds(const ASN1_TIME *at, int64_t *out) {
  struct tm parts;
  if (ASN1_TIME_to_tm(at, &parts) != 1) return 0;
  *out = timegm(&parts);
  return 1;
}

static void words(const X509_NAME *name, char *out, size_t room) {
  out[0] = 0;
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
    int n = BIO_read(bio, out, (int)room - 1);
    out[n > 0 ? n : 0] = 0;
  }
  BIO_free(bio);
}

static void names(X509 *leaf, char *out, size_t room) {
  size_t at = 0;
  GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
    char text[INET6_ADDRSTRLEN] = "";
    const char *from = text;
    size_t n = 0;
    if (name->type == GEN_DNS) {
      from = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
      n = (size_t)ASN1_STRING_length(name->d.dNSName);
    } else if (name->type == GEN_IPADD) {
      int size = ASN1_STRING_length(name->d.iPAddress), family = size == 4 ? AF_INET : size == 16 ? AF_INET6 : 0;
      if (family && inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text)) n = strlen(text);
    }
    /* A name with a line break or a zero in it is no name. */
    if (n == 0 || memchr(from, '\n', n) || memchr(from, 0, n) || at + n + 2 > room) continue;
    memcpy(out + at, from, n);
    at += n;
    out[at++] = '\n';
  }
  out[at] = 0;
  GENERAL_NAMES_free(list);
}

static int facts(X509 *leaf, cs_certificate *out) {
  unsigned size = sizeof out->sha256;
  words(X509_get_subject_name(leaf), out->subject, sizeof out->subject);
  words(X509_get_issuer_name(leaf), out->issuer, sizeof out->issuer);
  names(leaf, out->names, sizeof out->names);
  return X509_digest(leaf, EVP_sha256(), out->sha256, &size) == 1 && seconds(X509_get0_notBefore(leaf), &out->not_before)
         && seconds(X509_get0_notAfter(leaf), &out->not_after);
}

/* The rest of the chain; what is not a certificate is refused, so that nothing is dropped without a word. */
static int count(BIO *bio, uint32_t *total) {
  enum { CHAIN_MAX = 10 };
  for (;;) {
    X509 *next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    if (!next) return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? CS_CERT_GOOD : CS_CERT_BAD_CHAIN;
    X509_free(next);
    if (++*total > CHAIN_MAX) return CS_CERT_TOO_LONG;
  }
}

int cs_certificate_read(const uint8_t *chain, size_t size, const uint8_t *key, size_t key_size, cs_certificate *out) {
  if (size > INT_MAX || key_size > INT_MAX) return CS_CERT_BAD_CHAIN;
  memset(out, 0, sizeof *out);
  BIO *bio = BIO_new_mem_buf(chain, (int)size), *hidden = key ? BIO_new_mem_buf(key, (int)key_size) : NULL;
  X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
  EVP_PKEY *secret = NULL;
  int result = leaf && facts(leaf, out) ? CS_CERT_GOOD : CS_CERT_BAD_CHAIN;
  if (result == CS_CERT_GOOD) {
    out->count = 1;
    ERR_clear_error();
    result = count(bio, &out->count);
  }
  if (result == CS_CERT_GOOD && key) {
    secret = hidden ? PEM_read_bio_PrivateKey(hidden, NULL, no_passphrase, NULL) : NULL;
    result = !secret ? CS_CERT_BAD_KEY : X509_check_private_key(leaf, secret) == 1 ? CS_CERT_GOOD : CS_CERT_OTHER_KEY;
  }
  EVP_PKEY_free(secret);
  X509_free(leaf);
  BIO_free(hidden);
  BIO_free(bio);
  ERR_clear_error();
  return result;
}
