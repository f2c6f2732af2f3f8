/* The tests' fixture plugin (Tests/Kit/plugins/fixture.c) on the fake host: its variants check every reading and editing call and log what
   is wrong, so the fake host and the gateway are held to the same expectations. Arguments: the folder of the built variants. */
#include <sluice/fake_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
#define CHECK(condition) \
  ((condition) ? (void)0 : (void)(failures++, fprintf(stderr, "%s:%d: %s; %s\n", __FILE__, __LINE__, #condition, fake_problem())))

static const char *folder;
static fake_host *load(const char *variant) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s.so", folder, variant);
  return fake_load(path);
}

static void no_errors(fake_host *h) {
  for (uint32_t i = 0; i < fake_log_count(h); i++)
    if (!strncmp(fake_log_line(h, i), "error: ", 7)) failures++, fprintf(stderr, "the fixture found: %s\n", fake_log_line(h, i));
}

static void edits(void) {
  fake_host *h = load("EDITS");
  CHECK(h != NULL);
  if (!h) return;
  CHECK(fake_configure(h, "{}") == SLUICE_OK);
  CHECK(fake_configure(h, "{\"refuse\":1}") < 0 && !strcmp(fake_problem(), "refuse: not this one"));
  fake_exchange *x = fake_request(h, "GET", "/a/b?x=1&name=a%20b+c&x=2&secret=s");
  fake_set_header(x, "Host", "example.com:81");
  fake_set_header(x, "Via", "1.1 x");
  fake_set_header(x, "Accept", "*/*");
  fake_set_header(x, "X-Last", "1");
  fake_set_client(x, "10.0.0.7", 4711);
  fake_set_route(x, "users", "");
  CHECK(fake_run(x, SLUICE_PHASE_REWRITE) == SLUICE_CONTINUE);
  CHECK(!strcmp(fake_method(x), "POST") && !strcmp(fake_path(x), "/new?q=1") && !strcmp(fake_authority(x), "[::1]:80"));
  CHECK(fake_header_count(x, "x-one") == 2 && !fake_header(x, "Accept") && !strcmp(fake_request_id(x), "id-1") && !strcmp(fake_consumer(x), "anna"));
  fake_end(x);

  x = fake_request(h, "GET", "/a/b");
  fake_respond(x, 200);
  fake_set_response_header(x, "Server", "origin");
  CHECK(fake_run(x, SLUICE_PHASE_HEADER_FILTER) == SLUICE_CONTINUE);
  CHECK(fake_response_status(x) == 203 && !strcmp(fake_response_header(x, "server"), "hidden") && !strcmp(fake_response_header(x, "X-Two"), "2"));
  CHECK(fake_misuse(h) == 1);
  fake_end(x);
  no_errors(h);
  CHECK(fake_close(h) == 0);
}

static void bodies(void) {
  fake_host *h = load("UPPER");
  uint64_t size;
  fake_exchange *x = fake_request(h, "GET", "/");
  CHECK(fake_chunk(x, "ab", 2, 0) == 0 && fake_chunk(x, "c", 1, 1) == 0);
  CHECK(!strcmp((const char *)fake_response_body(x, &size), "ABC!") && size == 4);
  CHECK(fake_close(h) == 0);
  h = load("SPLITTER");
  x = fake_request(h, "GET", "/");
  CHECK(fake_chunk(x, "a", 1, 0) == 0 && fake_chunk(x, "drop", 4, 0) == 0 && fake_chunk(x, "b", 1, 1) == 0);
  CHECK(!strcmp((const char *)fake_response_body(x, NULL), "<a><b>"));
  CHECK(fake_close(h) == 0);
}

static void answers(void) {
  fake_host *h = load("ANSWERER");
  fake_exchange *x = fake_request(h, "GET", "/");
  CHECK(fake_run(x, SLUICE_PHASE_REWRITE) == SLUICE_CONTINUE && fake_answer_status(x) == 0); /* set, but not returned */
  CHECK(fake_run(x, SLUICE_PHASE_ACCESS) == SLUICE_ANSWERED && fake_answer_status(x) == 429);
  CHECK(!strcmp((const char *)fake_answer_body(x, NULL), "slow down\n") && !strcmp(fake_answer_header(x, "retry-after"), "3"));
  no_errors(h);
  CHECK(fake_close(h) == 0);
}

static void misuse(void) {
  fake_host *h = load("ABUSER");
  fake_exchange *x = fake_request(h, "GET", "/");
  CHECK(fake_run(x, SLUICE_PHASE_REWRITE) == 0 && fake_run(x, SLUICE_PHASE_LOG) == 0);
  CHECK(fake_misuse(h) == 2);
  no_errors(h);
  CHECK(fake_close(h) == 0);
  h = load("FAILING");
  x = fake_request(h, "GET", "/");
  CHECK(fake_run(x, SLUICE_PHASE_ACCESS) == SLUICE_EFAULT && fake_answer_status(x) == 0 && fake_run(x, SLUICE_PHASE_LOG) == SLUICE_CONTINUE);
  CHECK(fake_close(h) == 0);
  h = load("COUNTER");
  x = fake_request(h, "GET", "/");
  sluice_exchange_facts facts = {.status = 200, .bytes_sent = 10, .bytes_received = 20, .duration_us = 30, .upstream_us = 40, .retries = 1};
  fake_set_facts(x, &facts);
  CHECK(fake_run(x, SLUICE_PHASE_LOG) == SLUICE_CONTINUE);
  no_errors(h);
  CHECK(fake_close(h) == 0);
}

static void refusals(void) {
  static const char *const each[][2] = {{"BAD_INIT", "no licence file"}, {"BAD_MAGIC", "entry is not one of ABI 1"}, {"BAD_MAJOR", "entry is not"},
    {"SHORT_ENTRY", "entry is not"}, {"NO_MANIFEST", "no manifest"}, {"LYING_PHASES", "the manifest lies"}, {"nowhere", "nowhere.so"}};
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
    CHECK(load(each[i][0]) == NULL);
    if (!strstr(fake_problem(), each[i][1])) failures++, fprintf(stderr, "%s: %s\n", each[i][0], fake_problem());
  }
}

int main(int count, char **arguments) {
  if (count != 2) return 64;
  folder = arguments[1];
  edits();
  bodies();
  answers();
  misuse();
  refusals();
  if (!failures) puts("contract: good");
  return failures != 0;
}
