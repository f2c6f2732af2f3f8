/* sluice.crypto/1 of the fake host: the tests' fixture Tests/Kit/plugins/tables.c logs every answer that is not as the contract says, and two
   hosts at once share no keys. Argument: the built fixture. What it leaves behind must go with its host. */
#include <sluice/fake_host.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define CHECK(condition) ((condition) ? (void)0 : (void)(failures++, fprintf(stderr, "%d: %s; %s\n", __LINE__, #condition, fake_problem())))

static const sluice_crypto_v1 *crypto;
static const sluice_host *host;
static sluice_crypto_id key;
static int32_t init(const sluice_host *h, void **state) {
  (void)state;
  host = h;
  crypto = h->get_extension(h, SLUICE_CRYPTO_1);
  return crypto ? crypto->make_hmac_key(h, SLUICE_SHA256, SLUICE_VIEW("k"), &key) : SLUICE_ENOTFOUND;
}
static int32_t access_hook(void *instance, sluice_request *r) { (void)instance; (void)r; return SLUICE_CONTINUE; }
static const void *get_extension(void *state, const char *id) {
  static sluice_filter_v1 f = {.size = sizeof f, .access = access_hook};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &f;
}
SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"mine\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"phases\":[\"access\"]}")

int main(int count, char **arguments) {
  uint8_t out[32];
  sluice_view text = SLUICE_VIEW("text");
  if (count != 2) return 64;
  fake_host *mine = fake_open(&sluice_plugin_v1), *other = fake_load(arguments[1]);
  CHECK(mine && other);
  if (!mine || !other) return 1;
  CHECK(crypto->hmac(host, key, &text, 1, out, 32) == 32);
  const sluice_host *mine_then = host, *stranger = (const sluice_host *)(const void *)other; /* its table comes first */
  CHECK(crypto->hmac(stranger, key, &text, 1, out, 32) == SLUICE_GONE && crypto->release(stranger, key) == SLUICE_GONE);
  fake_exchange *x = fake_request(other, "GET", "/");
  CHECK(fake_run(x, SLUICE_PHASE_REWRITE) == SLUICE_CONTINUE);
  for (uint32_t i = 0; i < fake_log_count(other); i++) failures++, fprintf(stderr, "the fixture found: %s\n", fake_log_line(other, i));
  CHECK(fake_close(other) == 0);
  CHECK(crypto->hmac(host, key, &text, 1, out, 32) == 32);
  CHECK(fake_close(mine) == 0);
  CHECK(crypto->hmac(mine_then, key, &text, 1, out, 32) == SLUICE_GONE); /* only compared */
  if (!failures) puts("crypto: good");
  return failures != 0;
}
