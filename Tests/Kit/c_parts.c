/* CSluiceCrypto and CSluiceFFI under AddressSanitizer and UBSan, with buffers that have exactly the size that is promised: texts and keys
   at random, streams that outlive their keys, every shape of call. Prints what is wrong and fails; compiled and run by CPartsTests. */
#include "../../Sources/CSluiceCrypto/include/csluice_keys.h"
#include "../../Sources/CSluiceFFI/include/csluice_ffi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(c) do { if (!(c)) { fprintf(stderr, "line %d: %s\n", __LINE__, #c); exit(1); } } while (0)

static uint64_t seed = 88172645463325252ull;
static uint32_t roll(uint32_t below) {
  seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
  return (uint32_t)(seed >> 33) % below;
}
/* A buffer of exactly `n` bytes, so that one byte too far is seen. */
static uint8_t *some(uint64_t n) {
  uint8_t *p = malloc(n ? n : 1);
  for (uint64_t i = 0; i < n; i++) p[i] = (uint8_t)roll(256);
  return p;
}

static void texts(void) {
  static const char letters[] = "AZaz09+/-_=\n fF";
  for (int round = 0; round < 60000; round++) {
    uint32_t form = 1 + roll(3), n = roll(40);
    cs_piece bytes = {some(n), n};
    int64_t size = cs_encoded_size(form, n);
    cs_piece text = {malloc((size_t)size + 1), (uint64_t)size};
    cs_encode(form, bytes, (uint8_t *)text.data);
    EXPECT(cs_decoded_size(form, text) == (int64_t)n);
    uint8_t *back = malloc(n + 1);
    EXPECT(cs_decode(form, text, back) == 1 && !memcmp(back, bytes.data, n));
    uint32_t m = roll(24);
    cs_piece noise = {some(m), m};
    for (uint32_t i = 0; i < m; i++) ((uint8_t *)noise.data)[i] = (uint8_t)letters[roll(sizeof letters - 1)];
    int64_t most = cs_decoded_size(form, noise);
    if (most >= 0) {
      uint8_t *out = malloc(most ? (size_t)most : 1);
      if (cs_decode(form, noise, out) == 1 && form != 3) {
        EXPECT(cs_encoded_size(form, (uint64_t)most) == (int64_t)m); /* strict: the same text again */
        uint8_t *again = malloc(m + 1);
        cs_encode(form, (cs_piece){out, (uint64_t)most}, again);
        EXPECT(!memcmp(again, noise.data, m));
        free(again);
      }
      free(out);
    }
    free((void *)bytes.data); free((void *)text.data); free(back); free((void *)noise.data);
  }
}

static void streams(void) {
  uint8_t *raw = some(32), *nonce = some(12), tag[16];
  cs_piece extra = {some(20), 20};
  for (int round = 0; round < 300; round++) {
    cs_gcm *key = cs_gcm_new(raw);
    cs_gcm_stream *open[40];
    for (int i = 0; i < 40; i++) open[i] = cs_gcm_start(key, i & 1, nonce, i & 2 ? extra : (cs_piece){NULL, 0});
    for (int i = 0; i < 20; i++) cs_gcm_end(open[i], key);
    open[0] = cs_gcm_start(key, 0, nonce, extra);
    uint32_t n = roll(500);
    uint8_t *plain = some(n), *sealed = malloc(n + 16u), *out = malloc(n ? n : 1), *whole = malloc(n + 16u);
    EXPECT(cs_gcm_seal(key, nonce, extra, (cs_piece){plain, n}, whole) == 1);
    int late = round & 1;
    if (late) cs_gcm_free(key);
    for (uint32_t at = 0; at < n;) {
      uint32_t step = 1 + roll(n - at);
      EXPECT(cs_gcm_update(open[0], (cs_piece){plain + at, step}, sealed + at) == 1);
      at += step;
    }
    EXPECT(cs_gcm_finish(open[0], sealed + n) == 1 && !memcmp(sealed, whole, n + 16u));
    cs_gcm_end(open[0], late ? NULL : key);
    for (int i = 20; i < 40; i++) cs_gcm_end(open[i], late ? NULL : key);
    if (!late) {
      EXPECT(cs_gcm_open(key, nonce, extra, (cs_piece){sealed, n + 16u}, out) == 1 && !memcmp(out, plain, n));
      sealed[roll(n + 16u)] ^= (uint8_t)(1 << roll(8));
      EXPECT(cs_gcm_open(key, nonce, extra, (cs_piece){sealed, n + 16u}, out) == 0);
      for (uint32_t i = 0; i < n; i++) EXPECT(out[i] == 0);
      cs_gcm_stream *s = cs_gcm_start(key, 1, nonce, extra);
      EXPECT(cs_gcm_update(s, (cs_piece){sealed, n}, out) == 1);
      memcpy(tag, sealed + n, 16);
      EXPECT(cs_gcm_finish(s, tag) == 0 && !memcmp(tag, sealed + n, 16));
      cs_gcm_end(s, key);
      cs_gcm_free(key);
    }
    free(plain); free(sealed); free(out); free(whole);
  }
  free(raw); free(nonce); free((void *)extra.data);
}

static void keys(void) {
  static const uint8_t ed[32] = {0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
                                 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
  static const uint8_t spki[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  uint8_t der[44], out[64];
  memcpy(der, spki, 12);
  memcpy(der + 12, ed, 32);
  cs_public_key *k = cs_public_key_new(1, der, 44);
  EXPECT(k && cs_public_key_verify(k, (cs_piece){der, 44}, (cs_piece){der, 44}) == 0);
  EXPECT(cs_public_key_verify(k, (cs_piece){NULL, 0}, (cs_piece){NULL, 0}) == 0);
  cs_public_key_free(k);
  for (int round = 0; round < 3000; round++) {
    uint32_t n = 1 + roll(44), algorithm = roll(7);
    uint8_t *mutated = malloc(n);
    memcpy(mutated, der, n);
    for (uint32_t i = roll(3); i > 0; i--) mutated[roll(n)] ^= (uint8_t)(1 << roll(8));
    k = cs_public_key_new(algorithm, mutated, n);
    cs_piece message = {some(n), n}, signature = {some(64), 64};
    if (k) EXPECT(cs_public_key_verify(k, message, signature) != 1);
    cs_public_key_free(k);
    free(mutated); free((void *)message.data); free((void *)signature.data);
  }
  for (uint32_t algorithm = 0; algorithm < 7; algorithm++) {
    cs_hmac *h = cs_hmac_new(algorithm, der, 44);
    EXPECT((h != NULL) == (cs_digest_size(algorithm) > 0));
    for (int i = 0; h && i < 3; i++) EXPECT(cs_hmac_run(h, &(cs_piece){der, 44}, 1, out) == cs_hmac_size(h));
    cs_hmac_free(h);
    EXPECT(cs_digest(algorithm, NULL, 0, out) == cs_digest_size(algorithm));
  }
  EXPECT(cs_equal(der, der, 0) == 1 && cs_equal(der, der, 44) == 1 && cs_equal(der, ed, 32) == 0 && cs_random(out, 64) == 1);
}

struct pair { uint64_t a, b; };
static struct pair all(int32_t i, int64_t j, double d, struct pair p, struct pair q, struct pair r, double e, int64_t k) {
  EXPECT(i == -1 && j == -2 && d == 0.5 && p.a == 1 && p.b == 2 && q.b == 4 && r.a == 5 && e == -1.5 && k == 9);
  return (struct pair){p.a + q.a, r.b};
}
static int32_t small(void) { return -7; }
static double half(double d) { return d / 2; }

static void calls(void) {
  static const uint8_t types[9] = {1, 2, 3, 4, 4, 4, 3, 2, 2};
  double d = 0.5, e = -1.5;
  cs_ffi_value v[8] = {{{(uint32_t)-1, 0}}, {{(uint64_t)-2, 0}}, {{0, 0}}, {{1, 2}}, {{3, 4}}, {{5, 6}}, {{0, 0}}, {{9, 0}}}, r;
  memcpy(&v[2].word[0], &d, 8);
  memcpy(&v[6].word[0], &e, 8);
  cs_ffi_interface *f = cs_ffi_prepare(4, types, 8);
  for (int i = 0; i < 1000; i++) cs_ffi_run(f, (void *)all, v, &r);
  EXPECT(r.word[0] == 4 && r.word[1] == 6);
  cs_ffi_free(f);
  f = cs_ffi_prepare(1, NULL, 0);
  cs_ffi_run(f, (void *)small, NULL, &r);
  EXPECT((int64_t)r.word[0] == -7);
  cs_ffi_free(f);
  f = cs_ffi_prepare(3, types + 2, 1);
  cs_ffi_run(f, (void *)half, &v[2], &r);
  memcpy(&d, &r.word[0], 8);
  EXPECT(d == 0.25);
  cs_ffi_free(f);
  EXPECT(!cs_ffi_prepare(0, types, 1) && !cs_ffi_prepare(9, types, 1) && !cs_ffi_prepare(1, types, 9) && !cs_ffi_prepare(1, (const uint8_t[]){7}, 1));
}

int main(void) {
  texts();
  streams();
  keys();
  calls();
  puts("clean");
  return 0;
}
