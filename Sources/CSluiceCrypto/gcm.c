/* AES-256-GCM (NIST SP 800-38D), whole messages and streams. The key schedule is made once a key: a message only sets its nonce. Streams
   are copies of the key's context, and up to IDLE_MAX of them wait with the key for the next start, so that starting allocates only
   when more run at once than ever before. Words are explained in include/csluice_keys.h. */
#include "algorithms.h"
#include <openssl/crypto.h>
#include <string.h>

enum { IDLE_MAX = 32, TAG = 16 };
/* 2^36 - 32 bytes under one nonce (SP 800-38D section 5.2.1.1), less what keeps counts simple. */
#define STREAM_BYTES_MAX ((1ull << 36) - 64)

struct cs_gcm_stream { EVP_CIPHER_CTX *context; uint64_t total; int opens; };
struct cs_gcm { EVP_CIPHER_CTX *context; cs_gcm_stream *idle[IDLE_MAX]; int idle_count; };

static void stream_free(cs_gcm_stream *s) {
  if (!s) return;
  EVP_CIPHER_CTX_free(s->context); /* wipes key and state */
  OPENSSL_clear_free(s, sizeof *s);
}

cs_gcm *cs_gcm_new(const uint8_t key[32]) {
  cs_gcm *made = OPENSSL_zalloc(sizeof *made);
  if (!made) return NULL;
  made->context = EVP_CIPHER_CTX_new();
  if (made->context && cs_algorithms()->gcm && EVP_CipherInit_ex2(made->context, cs_algorithms()->gcm, key, NULL, 1, NULL) == 1) return made;
  ERR_clear_error();
  cs_gcm_free(made);
  return NULL;
}

void cs_gcm_free(cs_gcm *key) {
  if (!key) return;
  for (int i = 0; i < key->idle_count; i++) stream_free(key->idle[i]);
  EVP_CIPHER_CTX_free(key->context);
  OPENSSL_clear_free(key, sizeof *key);
}

/* Sets the nonce and takes in the extra bytes. */
static int begin(EVP_CIPHER_CTX *c, int seals, const uint8_t nonce[12], cs_piece extra) {
  int n = 0;
  if (EVP_CipherInit_ex2(c, NULL, NULL, nonce, seals, NULL) != 1) return 0;
  return extra.size == 0 || EVP_CipherUpdate(c, NULL, &n, extra.data, (int)extra.size) == 1;
}
static int run(EVP_CIPHER_CTX *c, cs_piece in, uint8_t *out) {
  int n = 0;
  return in.size == 0 || (EVP_CipherUpdate(c, out, &n, in.data, (int)in.size) == 1 && (uint64_t)n == in.size);
}
static int finish_seal(EVP_CIPHER_CTX *c, uint8_t *tag) {
  uint8_t none[16];
  int n = 0;
  return EVP_CipherFinal_ex(c, none, &n) == 1 && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1;
}
/* 1 genuine, 0 not, -1 refused. */
static int finish_open(EVP_CIPHER_CTX *c, const uint8_t *tag) {
  uint8_t expected[TAG], none[16];
  int n = 0;
  memcpy(expected, tag, TAG);
  if (EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, expected) != 1) return -1;
  return EVP_CipherFinal_ex(c, none, &n) == 1;
}
static int settled(int result) {
  if (result != 1) ERR_clear_error();
  return result;
}

int cs_gcm_seal(cs_gcm *key, const uint8_t nonce[12], cs_piece extra, cs_piece plain, uint8_t *out) {
  EVP_CIPHER_CTX *c = key->context;
  return settled(begin(c, 1, nonce, extra) && run(c, plain, out) && finish_seal(c, out + plain.size) ? 1 : -1);
}

int cs_gcm_open(cs_gcm *key, const uint8_t nonce[12], cs_piece extra, cs_piece sealed, uint8_t *out) {
  EVP_CIPHER_CTX *c = key->context;
  cs_piece text = {sealed.data, sealed.size - TAG};
  int result = begin(c, 0, nonce, extra) && run(c, text, out) ? finish_open(c, sealed.data + text.size) : -1;
  if (result != 1) OPENSSL_cleanse(out, text.size);
  return settled(result);
}

cs_gcm_stream *cs_gcm_start(cs_gcm *key, int opens, const uint8_t nonce[12], cs_piece extra) {
  cs_gcm_stream *s = key->idle_count > 0 ? key->idle[--key->idle_count] : NULL;
  if (!s) {
    s = OPENSSL_zalloc(sizeof *s);
    if (s) s->context = EVP_CIPHER_CTX_new();
    if (!s || !s->context || EVP_CIPHER_CTX_copy(s->context, key->context) != 1) goto refused;
  }
  s->total = 0;
  s->opens = opens;
  if (begin(s->context, !opens, nonce, extra)) return s;
refused:
  ERR_clear_error();
  stream_free(s);
  return NULL;
}

int cs_gcm_opens(const cs_gcm_stream *s) { return s->opens; }

int cs_gcm_update(cs_gcm_stream *s, cs_piece in, uint8_t *out) {
  if (in.size > STREAM_BYTES_MAX - s->total) return -2;
  s->total += in.size;
  return settled(run(s->context, in, out) ? 1 : -1);
}

int cs_gcm_finish(cs_gcm_stream *s, uint8_t tag[16]) {
  return settled(s->opens ? finish_open(s->context, tag) : finish_seal(s->context, tag) ? 1 : -1);
}

void cs_gcm_end(cs_gcm_stream *s, cs_gcm *key) {
  if (key && key->idle_count < IDLE_MAX) key->idle[key->idle_count++] = s;
  else stream_free(s);
}
