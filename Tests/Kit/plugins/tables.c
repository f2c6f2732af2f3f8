/* What a plugin may ask of the tables for header batches, variables, metrics and crypto, one -DVARIANT each; every answer that is not as
   the header says is complained about in the log. Known answers: FIPS 180-4, RFC 4231, RFC 8032, RFC 6979, NIST's GCM vectors. */
#include <sluice/sluice.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH, VARIABLES, METRICS, CRYPTO };

static const sluice_host *host;
static const sluice_request_v1 *requests;
static const sluice_response_v1 *responses;
static const sluice_request_edit_v1 *edits;
static const sluice_header_batch_v1 *batch;
static const sluice_variables_v1 *variables;
static const sluice_metrics_v1 *metrics;
static const sluice_crypto_v1 *crypto;

static void expect(int ok, const char *what) { if (!ok) host->log(host, SLUICE_LOG_ERROR, sluice_view_of(what, strlen(what))); }
#define EXPECT(condition) expect(condition, #condition)
static int is(sluice_view v, const char *text) { return v.size == strlen(text) && !memcmp(v.data, text, v.size); }
static sluice_view view(const char *text) { return sluice_view_of(text, strlen(text)); }

/* header batches */

static int32_t batch_request(void *instance, sluice_request *r) {
  (void)instance;
  sluice_view names[3] = {SLUICE_VIEW("accept"), SLUICE_VIEW("nope"), SLUICE_VIEW("Host")}, values[3];
  EXPECT(batch->request_headers(r, names, values, 3) == 2 && is(values[0], "*/*") && values[1].data == NULL && values[1].size == 0);
  EXPECT(is(values[2], "example.com:81") && batch->request_headers(r, names, values, 65) == SLUICE_ELIMIT);
  EXPECT(batch->request_headers(NULL, names, values, 1) == SLUICE_EINVAL && batch->request_headers(r, NULL, values, 1) == SLUICE_EINVAL);
  EXPECT(batch->request_headers(r, NULL, NULL, 0) == 0);
  sluice_header_edit list[5] = {
      {SLUICE_EDIT_SET, 0, SLUICE_VIEW("X-A"), SLUICE_VIEW("1")}, {SLUICE_EDIT_ADD, 0, SLUICE_VIEW("x-a"), SLUICE_VIEW("2")},
      {SLUICE_EDIT_REMOVE, 0, SLUICE_VIEW("Accept"), {NULL, 7}}, {SLUICE_EDIT_REMOVE, 0, SLUICE_VIEW("X-None"), {NULL, 0}},
      {SLUICE_EDIT_SET, 0, SLUICE_VIEW("X-B"), SLUICE_VIEW("a\r\nb")}};
  EXPECT(batch->edit_request(r, list, 5) == SLUICE_EINVAL);
  list[4].value = SLUICE_VIEW("b");
  list[4].name = SLUICE_VIEW("Content-Length");
  EXPECT(batch->edit_request(r, list, 5) == SLUICE_EINVAL);
  list[4].name = SLUICE_VIEW("X-B");
  list[4].operation = 9;
  EXPECT(batch->edit_request(r, list, 5) == SLUICE_EINVAL);
  EXPECT(requests->header(r, SLUICE_VIEW("Accept"), values) == 0 && requests->header(r, SLUICE_VIEW("X-A"), values) == SLUICE_ENOTFOUND);
  list[4].operation = SLUICE_EDIT_ADD;
  EXPECT(batch->edit_request(r, list, 5) == SLUICE_OK && batch->edit_request(r, list, 65) == SLUICE_ELIMIT);
  EXPECT(batch->edit_response((sluice_response *)r, list, 5) == SLUICE_EPHASE);
  EXPECT(batch->response_headers((sluice_response *)r, names, values, 1) == SLUICE_EPHASE);
  static char big[16000];
  memset(big, 'v', sizeof big);
  sluice_header_edit many[64];
  for (int i = 0; i < 64; i++) many[i] = (sluice_header_edit){SLUICE_EDIT_ADD, 0, SLUICE_VIEW("X-Big"), sluice_view_of(big, sizeof big)};
  EXPECT(batch->edit_request(r, many, 64) == SLUICE_OK); /* 1,024,000 of 1 MiB */
  EXPECT(batch->edit_request(r, many, 64) == SLUICE_ENOMEM && batch->edit_request(r, many, 2) == SLUICE_ENOMEM);
  return SLUICE_CONTINUE;
}
static int32_t batch_response(void *instance, sluice_response *r) {
  (void)instance;
  sluice_view name = SLUICE_VIEW("server"), value;
  sluice_header_edit list[2] = {{SLUICE_EDIT_SET, 0, SLUICE_VIEW("Server"), SLUICE_VIEW("mine")}, {SLUICE_EDIT_ADD, 0, SLUICE_VIEW("X-C"),
        SLUICE_VIEW("3")}};
  EXPECT(batch->response_headers(r, &name, &value, 1) == 1 && is(value, "origin"));
  EXPECT(batch->edit_response(r, list, 2) == SLUICE_OK && batch->edit_request((sluice_request *)r, list, 2) == SLUICE_EPHASE);
  return SLUICE_CONTINUE;
}

/* variables */

static int32_t user, other;
static void name_variables(void) {
  user = variables->number(host, SLUICE_VIEW("auth.user_1"));
  other = variables->number(host, SLUICE_VIEW("other"));
  EXPECT(user > 0 && other > 0 && user != other && variables->number(host, SLUICE_VIEW("auth.user_1")) == user);
  EXPECT(variables->number(host, SLUICE_VIEW("")) == SLUICE_EINVAL && variables->number(host, SLUICE_VIEW("A")) == SLUICE_EINVAL);
  EXPECT(variables->number(host, SLUICE_VIEW("a b")) == SLUICE_EINVAL && variables->number(NULL, SLUICE_VIEW("a")) == SLUICE_EINVAL);
  EXPECT(variables->number(host, view("1234567890123456789012345678901234567890123456789012345678901234")) > 0);
  EXPECT(variables->number(host, view("12345678901234567890123456789012345678901234567890123456789012345")) == SLUICE_EINVAL);
}
static int32_t variables_request(void *instance, sluice_request *r) {
  (void)instance;
  sluice_request_view v, old;
  static char big[8193];
  EXPECT(variables->get(r, user, &v) == SLUICE_ENOTFOUND && variables->set(r, user, SLUICE_VIEW("anna")) == 0);
  EXPECT(variables->get(r, user, &old) == 0 && old.size == 4 && !memcmp(old.data, "anna", 4));
  EXPECT(variables->set(r, user, SLUICE_VIEW("")) == 0 && variables->get(r, user, &v) == 0 && v.size == 0 && !memcmp(old.data, "anna", 4));
  EXPECT(variables->set(r, user, sluice_view_of(big, 8193)) == SLUICE_ELIMIT && variables->set(r, user, sluice_view_of(big, 8192)) == 0);
  EXPECT(variables->set(r, user, (sluice_view){NULL, 3}) == SLUICE_EINVAL && variables->set(NULL, user, SLUICE_VIEW("x")) == SLUICE_EINVAL);
  EXPECT(variables->get(r, 0, &v) == SLUICE_EINVAL && variables->get(r, 100000, &v) == SLUICE_EINVAL
        && variables->get(r, user, NULL) == SLUICE_EINVAL);
  EXPECT(variables->number(host, SLUICE_VIEW("late")) == SLUICE_EPHASE);
  for (int i = 0; i < 63; i++) EXPECT(variables->set(r, 200 + i, SLUICE_VIEW("v")) == 0);
  EXPECT(variables->set(r, 500, SLUICE_VIEW("v")) == SLUICE_ELIMIT && variables->set(r, 262, SLUICE_VIEW("last")) == 0);
  EXPECT(variables->set(r, user, SLUICE_VIEW("berta")) == 0);
  return SLUICE_CONTINUE;
}
static int32_t variables_response(void *instance, sluice_response *r) {
  (void)instance;
  sluice_request_view v;
  EXPECT(variables->get(responses->request(r), user, &v) == 0 && v.size == 5 && !memcmp(v.data, "berta", 5));
  EXPECT(variables->set(responses->request(r), user, SLUICE_VIEW("carla")) == 0);
  return SLUICE_CONTINUE;
}
static int32_t variables_log(void *instance, sluice_exchange_log *x) {
  (void)instance;
  const sluice_request *r = (const sluice_request *)x;
  sluice_request_view v;
  EXPECT(variables->get(r, user, &v) == 0 && v.size == 5 && !memcmp(v.data, "carla", 5));
  EXPECT(variables->set(r, user, SLUICE_VIEW("x")) == SLUICE_EPHASE && variables->get(r, other, &v) == SLUICE_ENOTFOUND);
  return SLUICE_CONTINUE;
}

/* metrics */

static int32_t seen, open_now, took;
static const double bounds[3] = {0.1, 1, 10};
static int32_t define(uint32_t kind, const char *name, const sluice_label *labels, uint32_t label_count, uint32_t bound_count, const char *why) {
  char text[300];
  sluice_error error = {text, sizeof text, 0};
  sluice_metric m = {sizeof m, kind, view(name), SLUICE_VIEW("What it counts."), labels, bounds, label_count, bound_count};
  int32_t n = metrics->define(host, &m, &error);
  text[error.size < sizeof text ? error.size : sizeof text - 1] = 0;
  if (n < 0 && (!why || !strstr(text, why))) host->log(host, SLUICE_LOG_ERROR, sluice_view_of(text, error.size));
  return n;
}
static void define_metrics(void) {
  sluice_label get[2] = {{SLUICE_VIEW("method"), SLUICE_VIEW("GET")}, {SLUICE_VIEW("zone"), SLUICE_VIEW("a\"\\b")}};
  sluice_label post[2] = {{SLUICE_VIEW("method"), SLUICE_VIEW("POST")}, {SLUICE_VIEW("zone"), SLUICE_VIEW("b")}};
  seen = define(SLUICE_COUNTER, "seen_total", get, 2, 0, NULL);
  EXPECT(seen >= 0 && define(SLUICE_COUNTER, "seen_total", get, 2, 0, NULL) == seen);
  EXPECT(define(SLUICE_COUNTER, "seen_total", post, 2, 0, NULL) > seen);
  open_now = define(SLUICE_GAUGE, "open", NULL, 0, 0, NULL);
  took = define(SLUICE_HISTOGRAM, "took_seconds", NULL, 0, 3, NULL);
  EXPECT(open_now > 0 && took > open_now);
  EXPECT(define(SLUICE_GAUGE, "seen_total", get, 2, 0, "defined as a counter and cannot be a gauge") == SLUICE_EINVAL);
  EXPECT(define(SLUICE_COUNTER, "seen_total", get, 1, 0, "labels (method, zone)") == SLUICE_EINVAL);
  EXPECT(define(SLUICE_HISTOGRAM, "took_seconds", NULL, 0, 2, "other bounds") == SLUICE_EINVAL);
  EXPECT(define(SLUICE_HISTOGRAM, "none", NULL, 0, 0, "needs 1 to 16 bounds") == SLUICE_EINVAL);
  EXPECT(define(SLUICE_COUNTER, "Bad", NULL, 0, 0, "name \"Bad\"") == SLUICE_EINVAL);
  EXPECT(define(SLUICE_COUNTER, "a__b", NULL, 0, 0, "name") == SLUICE_EINVAL
        && define(SLUICE_COUNTER, "a_sum", NULL, 0, 0, "name") == SLUICE_EINVAL);
  EXPECT(define(7, "a", NULL, 0, 0, "kind 7") == SLUICE_EINVAL && define(SLUICE_COUNTER, "a", NULL, 5, 0, "5 labels") == SLUICE_EINVAL);
  sluice_label le = {SLUICE_VIEW("le"), SLUICE_VIEW("1")};
  EXPECT(define(SLUICE_COUNTER, "a", &le, 1, 0, "label \"le\"") == SLUICE_EINVAL);
  char text[64];
  sluice_error error = {text, sizeof text, 0};
  EXPECT(metrics->define(host, NULL, &error) == SLUICE_EINVAL);
  EXPECT(is(sluice_view_of(text, error.size), "metrics: size must be sizeof(sluice_metric), 64 bytes"));
  EXPECT(metrics->define(NULL, NULL, NULL) == SLUICE_EINVAL);
}
static int32_t metrics_request(void *instance, sluice_request *r) {
  (void)instance; (void)r;
  EXPECT(metrics->add(host, seen, 2) == 0 && metrics->add(host, seen, -1) == SLUICE_EINVAL && metrics->add(host, seen, NAN) == SLUICE_EINVAL);
  EXPECT(metrics->set(host, open_now, 7) == 0 && metrics->add(host, open_now, -2.5) == 0
        && metrics->set(host, open_now, INFINITY) == SLUICE_EINVAL);
  EXPECT(metrics->observe(host, took, 0.1) == 0 && metrics->observe(host, took, 5) == 0 && metrics->observe(host, took, 11) == 0);
  EXPECT(metrics->observe(host, seen, 1) == SLUICE_EINVAL && metrics->set(host, seen, 1) == SLUICE_EINVAL
        && metrics->add(host, took, 1) == SLUICE_EINVAL);
  EXPECT(metrics->add(host, 256, 1) == SLUICE_EINVAL && metrics->add(NULL, seen, 1) == SLUICE_EINVAL);
  sluice_metric m = {sizeof m, SLUICE_COUNTER, SLUICE_VIEW("late"), SLUICE_VIEW(""), NULL, NULL, 0, 0};
  EXPECT(metrics->define(host, &m, NULL) == SLUICE_EPHASE);
  return SLUICE_CONTINUE;
}

/* crypto */

static uint8_t out[256], in[256], key_bytes[256], want[256];
/* Is `size` bytes of `bytes` the hexadecimal text? */
static int hex(const uint8_t *bytes, int32_t size, const char *text) {
  int32_t n = crypto->decode(SLUICE_HEX, view(text), want, sizeof want);
  return n == size && !memcmp(bytes, want, (size_t)size);
}
static sluice_view unhex(const char *text, uint8_t *into) {
  int32_t n = crypto->decode(SLUICE_HEX, view(text), into, 256);
  EXPECT(n >= 0);
  return sluice_view_of(into, (uint64_t)n);
}
static void digests(void) {
  sluice_view abc[3] = {SLUICE_VIEW("a"), SLUICE_VIEW(""), SLUICE_VIEW("bc")};
  EXPECT(hex(out, crypto->digest(host, SLUICE_SHA256, abc, 3, out, 64), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT(hex(out, crypto->digest(host, SLUICE_SHA1, abc, 3, out, 64), "a9993e364706816aba3e25717850c26c9cd0d89d"));
  EXPECT(hex(out, crypto->digest(host, SLUICE_SHA384, abc, 3, out, 64),
             "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"));
  EXPECT(hex(out, crypto->digest(host, SLUICE_SHA512, abc, 3, out, 64),
                   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"));
  EXPECT(hex(out, crypto->digest(host, SLUICE_SHA256, NULL, 0, out, 64), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  EXPECT(crypto->digest(host, SLUICE_SHA256, abc, 3, out, 31) == SLUICE_ELIMIT && crypto->digest(host, 9, abc, 3, out, 64) == SLUICE_EINVAL);
  EXPECT(crypto->digest(host, SLUICE_SHA256, abc, 1025, out, 64) == SLUICE_ELIMIT && crypto->digest(NULL, 1, abc, 3, out, 64) == SLUICE_EINVAL);
  sluice_view huge = {out, (64u << 20) + 1}, lie = {NULL, 5};
  EXPECT(crypto->digest(host, SLUICE_SHA256, &huge, 1, out, 64) == SLUICE_ELIMIT && crypto->digest(host, 1, &lie, 1, out, 64) == SLUICE_EINVAL);
}
static void hmacs(void) {
  sluice_crypto_id k = 0, k2 = 0, k3 = 0;
  sluice_view hi = SLUICE_VIEW("Hi There"), nothing[2] = {SLUICE_VIEW("what do ya want "), SLUICE_VIEW("for nothing?")};
  sluice_view large = SLUICE_VIEW("Test Using Larger Than Block-Size Key - Hash Key First");
  memset(key_bytes, 0x0b, 20);
  EXPECT(crypto->make_hmac_key(host, SLUICE_SHA256, sluice_view_of(key_bytes, 20), &k) == 0 && k != 0);
  EXPECT(crypto->make_hmac_key(host, SLUICE_SHA512, sluice_view_of(key_bytes, 20), &k2) == 0);
  EXPECT(hex(out, crypto->hmac(host, k, &hi, 1, out, 64), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
  EXPECT(hex(out, crypto->hmac(host, k2, &hi, 1, out, 64),
                   "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                   "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"));
  EXPECT(hex(out, crypto->hmac(host, k, &hi, 1, out, 64), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
  EXPECT(crypto->make_hmac_key(host, SLUICE_SHA256, SLUICE_VIEW("Jefe"), &k3) == 0);
  EXPECT(hex(out, crypto->hmac(host, k3, nothing, 2, out, 64), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
  EXPECT(crypto->release(host, k3) == 0 && crypto->hmac(host, k3, &hi, 1, out, 64) == SLUICE_GONE && crypto->release(host, k3) == SLUICE_GONE);
  memset(key_bytes, 0xaa, 131);
  EXPECT(crypto->make_hmac_key(host, SLUICE_SHA256, sluice_view_of(key_bytes, 131), &k3) == 0);
  EXPECT(hex(out, crypto->hmac(host, k3, &large, 1, out, 64), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
  EXPECT(crypto->hmac(host, k3, &large, 1, out, 31) == SLUICE_ELIMIT && crypto->hmac(host, 0, &large, 1, out, 64) == SLUICE_GONE);
  EXPECT(crypto->make_hmac_key(host, SLUICE_SHA256, SLUICE_VIEW(""), &k3) == SLUICE_EINVAL
        && crypto->make_hmac_key(host, 7, hi, &k3) == SLUICE_EINVAL);
  EXPECT(crypto->equal(hi, SLUICE_VIEW("Hi There")) == 1 && crypto->equal(hi, SLUICE_VIEW("Hi there")) == 0
        && crypto->equal(hi, SLUICE_VIEW("Hi")) == 0);
}
static sluice_crypto_id kept_gcm;
static void gcm(void) {
  uint8_t nonce[12], extra[20], tag[16];
  sluice_crypto_id k = 0, s = 0, s2 = 0, hm = 0;
  sluice_view none = {NULL, 0};
  const char *sealed =
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b";
  sluice_view n = unhex("cafebabefacedbaddecaf888", nonce), a = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", extra);
  sluice_view p = unhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31"
        "8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39", in);
  EXPECT(crypto->make_gcm_key(host, unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key_bytes), &k) == 0);
  EXPECT(crypto->seal(host, k, n, a, p, out, 256) == 76 && hex(out, 76, sealed) && crypto->seal(host, k, n, a, p, out, 75) == SLUICE_ELIMIT);
  EXPECT(crypto->seal(host, k, n, a, p, out, 256) == 76 && crypto->open(host, k, n, a, sluice_view_of(out, 76), out, 256) == 60);
  EXPECT(!memcmp(out, in, 60));
  sluice_view forged = unhex(sealed, out);
  out[3] ^= 1;
  EXPECT(crypto->open(host, k, n, a, forged, out + 100, 100) == SLUICE_EIO && out[100] == 0 && out[159] == 0);
  out[3] ^= 1;
  EXPECT(crypto->open(host, k, n, none, forged, out + 100, 100) == SLUICE_EIO
        && crypto->open(host, k, n, a, sluice_view_of(out, 15), out, 9) == SLUICE_EIO);
  EXPECT(crypto->open(host, k, sluice_view_of(nonce, 11), a, forged, out, 256) == SLUICE_EINVAL);
  /* streams: two at once, in pieces, in place, while the key's own context is used too */
  EXPECT(crypto->start_seal(host, k, n, a, &s) == 0 && crypto->start_open(host, k, n, a, &s2) == 0);
  memcpy(out, in, 60);
  EXPECT(crypto->update(host, s, sluice_view_of(out, 7), out) == 0 && crypto->seal(host, k, n, none, p, out + 100, 100) == 76);
  EXPECT(crypto->update(host, s, sluice_view_of(out + 7, 53), out + 7) == 0 && crypto->update(host, s, none, NULL) == 0);
  EXPECT(crypto->finish_seal(host, s, out + 60) == 0 && hex(out, 76, sealed));
  EXPECT(crypto->update(host, s, p, out) == SLUICE_GONE && crypto->finish_seal(host, s, tag) == SLUICE_GONE);
  EXPECT(crypto->update(host, s2, sluice_view_of(out, 33), out) == 0 && crypto->update(host, s2, sluice_view_of(out + 33, 27), out + 33) == 0);
  EXPECT(crypto->finish_open(host, s2, sluice_view_of(out + 60, 16)) == 0 && !memcmp(out, in, 60));
  /* the idle streams again, with swapped directions; a wrong tag */
  EXPECT(crypto->start_open(host, k, n, a, &s) == 0 && crypto->start_seal(host, k, n, a, &s2) == 0);
  EXPECT(crypto->update(host, s2, p, out) == 0 && crypto->finish_seal(host, s2, out + 60) == 0 && hex(out, 76, sealed));
  EXPECT(crypto->update(host, s, sluice_view_of(out, 60), out + 100) == 0 && !memcmp(out + 100, in, 60));
  out[60] ^= 1;
  EXPECT(crypto->finish_open(host, s, sluice_view_of(out + 60, 16)) == SLUICE_EIO
        && crypto->finish_open(host, s, sluice_view_of(out, 16)) == SLUICE_GONE);
  EXPECT(crypto->start_open(host, k, n, a, &s) == 0 && crypto->finish_seal(host, s, tag) == SLUICE_EINVAL
        && crypto->release(host, s) == SLUICE_GONE);
  /* a stream outlives its key */
  EXPECT(crypto->start_seal(host, k, n, a, &s) == 0 && crypto->release(host, k) == 0 && crypto->seal(host, k, n, a, p, out, 256) == SLUICE_GONE);
  EXPECT(crypto->update(host, s, p, out) == 0 && crypto->finish_seal(host, s, out + 60) == 0 && hex(out, 76, sealed));
  /* NIST test cases 13 and 14 */
  memset(key_bytes, 0, 32);
  memset(nonce, 0, 12);
  memset(in, 0, 16);
  EXPECT(crypto->make_gcm_key(host, sluice_view_of(key_bytes, 32), &kept_gcm) == 0
        && crypto->make_gcm_key(host, sluice_view_of(in, 16), &k) == SLUICE_EINVAL);
  EXPECT(hex(out, crypto->seal(host, kept_gcm, n, none, none, out, 16), "530f8afbc74536b9a963b4f1c4cb738b"));
  EXPECT(hex(out, crypto->seal(host, kept_gcm, n, none, sluice_view_of(in, 16), out, 32),
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"));
  EXPECT(crypto->open(host, kept_gcm, n, none, unhex("530f8afbc74536b9a963b4f1c4cb738b", in), NULL, 0) == 0);
  EXPECT(crypto->make_hmac_key(host, 1, SLUICE_VIEW("k"), &hm) == 0 && crypto->seal(host, hm, n, none, none, out, 16) == SLUICE_GONE);
}
static void signatures(void) {
  sluice_crypto_id k = 0, k2 = 0;
  static uint8_t sig[64];
  sluice_view s = unhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00", sig);
  EXPECT(crypto->make_public_key(host, SLUICE_ED25519, unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", in), &k) == 0);
  EXPECT(crypto->verify(host, k, SLUICE_VIEW("r"), s) == 0 && crypto->verify(host, k, SLUICE_VIEW("s"), s) == SLUICE_EIO);
  EXPECT(crypto->verify(host, k, SLUICE_VIEW("r"), sluice_view_of(sig, 63)) == SLUICE_EIO);
  EXPECT(crypto->make_public_key(host, SLUICE_ED25519, unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", in), &k2) == 0);
  s = unhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", sig);
  EXPECT(crypto->verify(host, k2, SLUICE_VIEW(""), s) == 0 && crypto->verify(host, k, SLUICE_VIEW(""), s) == SLUICE_EIO);
  sluice_view point = unhex(
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29f"
        "b67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", in);
  s = unhex(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8", sig);
  EXPECT(crypto->make_public_key(host, SLUICE_ECDSA_P256_JOSE, point, &k) == 0 && crypto->verify(host, k, SLUICE_VIEW("sample"), s) == 0);
  EXPECT(crypto->verify(host, k, SLUICE_VIEW("Sample"), s) == SLUICE_EIO
        && crypto->verify(host, k, SLUICE_VIEW("sample"), SLUICE_VIEW("")) == SLUICE_EIO);
  EXPECT(crypto->make_public_key(host, SLUICE_ECDSA_P256_SHA256, point, &k2) == 0
        && crypto->verify(host, k2, SLUICE_VIEW("sample"), s) == SLUICE_EIO);
  EXPECT(crypto->make_public_key(host, SLUICE_RSA_PSS_SHA256, point, &k2) == SLUICE_EINVAL
        && crypto->make_public_key(host, 0, point, &k2) == SLUICE_EINVAL);
  in[10] ^= 1;
  EXPECT(crypto->make_public_key(host, SLUICE_ECDSA_P256_JOSE, point, &k2) == SLUICE_EINVAL);
  EXPECT(crypto->make_public_key(host, SLUICE_ED25519, SLUICE_VIEW("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        &k2) == SLUICE_EINVAL);
}
static void texts(void) {
  static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
  static const char *const padded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  static const char *const bad[] = {"Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zg==Zg==", "Zm-_"};
  for (int i = 0; i < 7; i++) {
    int32_t n = crypto->encode(SLUICE_BASE64, view(plain[i]), out, 256);
    EXPECT(n >= 0 && is(sluice_view_of(out, (uint64_t)n), padded[i]));
    EXPECT(crypto->decode(SLUICE_BASE64, view(padded[i]), out, 256) == (int32_t)strlen(plain[i]) && !memcmp(out, plain[i], strlen(plain[i])));
    size_t bare = strcspn(padded[i], "=");
    n = crypto->encode(SLUICE_BASE64URL, view(plain[i]), out, 256);
    EXPECT(n == (int32_t)bare && !memcmp(out, padded[i], bare));
    EXPECT(crypto->decode(SLUICE_BASE64URL, sluice_view_of(padded[i], bare), out, 256) == (int32_t)strlen(plain[i]));
  }
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) EXPECT(crypto->decode(SLUICE_BASE64, view(bad[i]), out, 256) == SLUICE_EINVAL);
  EXPECT(crypto->encode(SLUICE_BASE64URL, SLUICE_VIEW("\xfb\xff"), out, 256) == 3 && !memcmp(out, "-_8", 3));
  EXPECT(crypto->decode(SLUICE_BASE64URL, SLUICE_VIEW("-_9"), out, 256) == SLUICE_EINVAL
        && crypto->decode(SLUICE_BASE64URL, SLUICE_VIEW("Z"), out, 256) == SLUICE_EINVAL);
  EXPECT(crypto->decode(SLUICE_BASE64URL, SLUICE_VIEW("+/8"), out, 256) == SLUICE_EINVAL
        && crypto->encode(SLUICE_BASE64, SLUICE_VIEW("abc"), out, 3) == SLUICE_ELIMIT);
  EXPECT(crypto->encode(SLUICE_HEX, SLUICE_VIEW("\xab\x01"), out, 256) == 4 && !memcmp(out, "ab01", 4)
        && crypto->decode(SLUICE_HEX, SLUICE_VIEW("AB0f"), out, 2) == 2);
  EXPECT(crypto->decode(SLUICE_HEX, SLUICE_VIEW("ab0"), out, 9) == SLUICE_EINVAL
        && crypto->decode(SLUICE_HEX, SLUICE_VIEW("0g"), out, 9) == SLUICE_EINVAL);
  EXPECT(crypto->encode(9, SLUICE_VIEW("a"), out, 9) == SLUICE_EINVAL && crypto->decode(0, SLUICE_VIEW("a"), out, 9) == SLUICE_EINVAL);
  memset(out, 0, 64);
  EXPECT(crypto->random(out, 32) == 0 && crypto->random(out + 32, 32) == 0 && memcmp(out, out + 32, 32)
        && crypto->random(out, 65537) == SLUICE_ELIMIT);
}
static void room(void) {
  sluice_crypto_id ids[4200], first = 0;
  int n = 0;
  uint8_t nonce[12] = {0};
  sluice_view none = {NULL, 0};
  while (n < 4200 && crypto->start_seal(host, kept_gcm, sluice_view_of(nonce, 12), none, &ids[n]) == 0) n++;
  EXPECT(n > 4000 && n < 4096 && crypto->start_seal(host, kept_gcm, sluice_view_of(nonce, 12), none, &first) == SLUICE_ELIMIT);
  first = ids[5];
  EXPECT(crypto->release(host, ids[5]) == 0 && crypto->start_seal(host, kept_gcm, sluice_view_of(nonce, 12), none, &ids[5]) == 0
        && ids[5] != first);
  EXPECT(crypto->release(host, first) == SLUICE_GONE && crypto->release(host, ~0ull) == SLUICE_GONE);
  for (int i = 0; i < n - 10; i++) EXPECT(crypto->release(host, ids[i]) == 0); /* ten are left for the host to wipe */
}
static int32_t crypto_request(void *instance, sluice_request *r) {
  (void)instance; (void)r;
  digests(); hmacs(); gcm(); signatures(); texts(); room();
  return SLUICE_CONTINUE;
}

static int32_t init(const sluice_host *h, void **state) {
  (void)state;
  host = h;
  requests = h->get_extension(h, SLUICE_REQUEST_1);
  responses = h->get_extension(h, SLUICE_RESPONSE_1);
  edits = h->get_extension(h, SLUICE_REQUEST_EDIT_1);
  batch = h->get_extension(h, SLUICE_HEADER_BATCH_1);
  variables = h->get_extension(h, SLUICE_VARIABLES_1);
  metrics = h->get_extension(h, SLUICE_METRICS_1);
  crypto = h->get_extension(h, SLUICE_CRYPTO_1);
  if (!batch || !variables || !metrics || !crypto) return SLUICE_ENOTFOUND;
  if (VARIANT == VARIABLES) name_variables();
  if (VARIANT == METRICS) define_metrics();
  return SLUICE_OK;
}
#ifdef CLASH
/* A generation that defines seen_total as a gauge and says no more than the host does. */
static int32_t clash(const sluice_host *h, void **state) {
  (void)state;
  const sluice_metrics_v1 *m = h->get_extension(h, SLUICE_METRICS_1);
  sluice_metric bad = {sizeof bad, SLUICE_GAUGE, SLUICE_VIEW("seen_total"), SLUICE_VIEW(""), NULL, NULL, 0, 0};
  return m->define(h, &bad, NULL);
}
#define init clash
#endif

static const void *get_extension(void *state, const char *id) {
  static sluice_filter_v1 f = {.size = sizeof f};
  (void)state;
  if (strcmp(id, SLUICE_FILTER_1)) return NULL;
  switch (VARIANT) {
    case BATCH: f.rewrite = batch_request; f.header_filter = batch_response; break;
    case VARIABLES: f.rewrite = variables_request; f.header_filter = variables_response; f.log = variables_log; break;
    case METRICS: f.rewrite = metrics_request; break;
    case CRYPTO: f.rewrite = crypto_request; break;
  }
  return &f;
}
SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"fixture\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"phases\":[" PHASES "]}")
