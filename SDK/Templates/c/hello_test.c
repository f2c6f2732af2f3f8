/* The unit test of the plugin, without a gateway: requests in, edits out. `make test` builds it with the SDK's fake host. */
#include <sluice/fake_host.h>
#include <stdio.h>
#include <string.h>

extern const sluice_plugin_entry sluice_plugin_v1;

static int failures;
#define CHECK(condition) \
  ((condition) ? (void)0 : (void)(failures++, fprintf(stderr, "%s:%d: error: not true: %s\n", __FILE__, __LINE__, #condition)))

int main(void) {
  fake_host *host = fake_open(&sluice_plugin_v1);
  if (!host) return fprintf(stderr, "%s:%d: error: %s\n", __FILE__, __LINE__, fake_problem()), 1;

  fake_exchange *x = fake_request(host, "GET", "/");
  CHECK(fake_run(x, SLUICE_PHASE_REWRITE) == SLUICE_CONTINUE);
  CHECK(fake_header_count(x, "X-Hello") == 1 && !strcmp(fake_header(x, "X-Hello"), "world"));
  fake_end(x);

  CHECK(fake_misuse(host) == 0);
  CHECK(fake_close(host) == 0);
  puts(failures ? "hello: failed" : "hello: passed");
  return failures != 0;
}
