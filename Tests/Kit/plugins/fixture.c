/* Small plugins for tests, one per -DVARIANT: what a correct one does, and everything a wrong one can get wrong. */
#define _GNU_SOURCE /* memmem */
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELLO, BAD_INIT, BAD_CONFIGURE, BAD_MAGIC, BAD_MAJOR, SHORT_ENTRY, NO_MANIFEST, LYING_PHASES, UPPER, EDITS, ABUSER, NO_FILTER,
    ANSWERER, EMPTY, FAILING, SPLITTER, COUNTER, YIELDER, TOKENER };
#ifndef VARIANT
#define VARIANT HELLO
#endif
#ifndef NAME
#define NAME "fixture"
#endif
#ifndef PHASES
#define PHASES "\"rewrite\""
#endif
#ifndef EXTRA
#define EXTRA ""
#endif

static const sluice_host *the_host;
static const sluice_request_v1 *requests;
static const sluice_request_edit_v1 *edits;
static const sluice_answer_v1 *answers;
static const sluice_response_v1 *responses;
static const sluice_body_v1 *bodies;
static const sluice_exchange_log_v1 *exchanges;
static const sluice_memory_v1 *memories;

static int32_t init(const sluice_host *host, void **state) {
  the_host = host;
  requests = host->get_extension(host, SLUICE_REQUEST_1);
  edits = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  answers = host->get_extension(host, SLUICE_ANSWER_1);
  responses = host->get_extension(host, SLUICE_RESPONSE_1);
  bodies = host->get_extension(host, SLUICE_BODY_1);
  exchanges = host->get_extension(host, SLUICE_EXCHANGE_LOG_1);
  memories = host->get_extension(host, SLUICE_MEMORY_1);
  if (host->get_extension(host, "sluice.request/2")) return SLUICE_EFAULT;
  if (VARIANT == BAD_INIT) {
    host->log(host, SLUICE_LOG_ERROR, SLUICE_VIEW("no licence\nfile"));
    return SLUICE_EFAULT;
  }
  *state = malloc(16);
  return SLUICE_OK;
}

static void destroy(void *state) {
  the_host->log(the_host, SLUICE_LOG_INFO, SLUICE_VIEW("destroyed"));
  free(state);
}

static int32_t configure(void *state, sluice_view config, void **instance, sluice_error *error) {
  (void)state;
  if (VARIANT == BAD_CONFIGURE || memmem(config.data, config.size, "\"refuse\"", 8)) {
    sluice_error_write(error, "refuse: not this one");
    return SLUICE_EINVAL;
  }
  char *copy = calloc(1, config.size + 1);
  memcpy(copy, config.data, config.size);
  *instance = copy;
  return SLUICE_OK;
}

static void release(void *state, void *instance) {
  (void)state;
  the_host->log(the_host, SLUICE_LOG_INFO, SLUICE_VIEW("released"));
  free(instance);
}

static void expect(int ok, const char *what) {
  if (!ok) the_host->log(the_host, SLUICE_LOG_ERROR, sluice_view_of(what, strlen(what)));
}
#define EXPECT(condition) expect(condition, #condition)

static int is(sluice_view v, const char *text) { return v.size == strlen(text) && !memcmp(v.data, text, v.size); }

static int32_t hello(void *instance, sluice_request *r) {
  (void)instance;
  return edits->set_header(r, SLUICE_VIEW("X-Hello"), SLUICE_VIEW("world"));
}

static int32_t empty_request(void *instance, sluice_request *r) { (void)instance; (void)r; return SLUICE_CONTINUE; }
static int32_t empty_response(void *instance, sluice_response *r) { (void)instance; (void)r; return SLUICE_CONTINUE; }
static int32_t empty_body(void *instance, sluice_body *b) { (void)instance; (void)b; return SLUICE_CONTINUE; }
static int32_t empty_log(void *instance, sluice_exchange_log *x) { (void)instance; (void)x; return SLUICE_CONTINUE; }

static int32_t fail_request(void *instance, sluice_request *r) { (void)instance; answers->respond(r, 200, SLUICE_VIEW("never"));
    return SLUICE_EFAULT; }
static int32_t fail_log(void *instance, sluice_exchange_log *x) { (void)instance; (void)x; return 99; }

/* Every reading and editing call once, each checked. */
static int32_t edit_request(void *instance, sluice_request *r) {
  sluice_view v;
  sluice_header fields[2];
  uint32_t count = 0;
  (void)instance;
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_METHOD, &v) == 0 && is(v, "GET"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_PATH, &v) == 0 && is(v, "/a/b?x=1&name=a%20b+c&x=2&secret=s"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_URL_PATH, &v) == 0 && is(v, "/a/b"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_QUERY, &v) == 0 && is(v, "x=1&name=a%20b+c&x=2&secret=s"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_HOST, &v) == 0 && is(v, "example.com:81"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_PROTOCOL, &v) == 0 && is(v, "HTTP/1.1"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_SOURCE_PORT, &v) == 0 && is(v, "4711"));
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_ROUTE_ID, &v) == 0 && is(v, "users"));
  EXPECT(requests->attribute(r, 0, &v) == SLUICE_ENOTFOUND && requests->attribute(r, 4000, &v) == SLUICE_ENOTFOUND);
  EXPECT(requests->attribute(NULL, 1, &v) == SLUICE_EINVAL && requests->attribute(r, 1, NULL) == SLUICE_EINVAL);
  EXPECT(requests->attribute_number(SLUICE_VIEW("route.id")) == SLUICE_ATTRIBUTE_ROUTE_ID && requests->attribute_number(SLUICE_VIEW("nope")) == 0);
  EXPECT(requests->attribute_count == SLUICE_ATTRIBUTE_COUNT && is(requests->attribute_name(SLUICE_ATTRIBUTE_CONSUMER), "consumer.name"));
  EXPECT(requests->attribute_name(4000).size == 0);
  EXPECT(requests->header(r, SLUICE_VIEW("ACCEPT"), &v) == 0 && is(v, "*/*") && requests->header(r, SLUICE_VIEW("nope"), &v) == SLUICE_ENOTFOUND);
  EXPECT(requests->headers(r, fields, 2, &count) == SLUICE_ELIMIT && count == 3 && is(fields[1].name, "Accept"));
  EXPECT(requests->query(r, SLUICE_VIEW("name"), &v) == 0 && is(v, "a b c") && requests->query(r, SLUICE_VIEW("nam"), &v) == SLUICE_ENOTFOUND);
  sluice_view lie = {NULL, 5};
  EXPECT(requests->header(r, lie, &v) == SLUICE_EINVAL && edits->set_path(r, lie) == SLUICE_EINVAL);

  EXPECT(edits->set_header(r, SLUICE_VIEW("X-One"), SLUICE_VIEW("1")) == 0 && edits->add_header(r, SLUICE_VIEW("x-one"), SLUICE_VIEW("2")) == 0);
  EXPECT(edits->remove_header(r, SLUICE_VIEW("Accept")) == 0 && edits->remove_header(r, SLUICE_VIEW("Accept")) == SLUICE_ENOTFOUND);
  EXPECT(edits->set_header(r, SLUICE_VIEW("Content-Length"), SLUICE_VIEW("1")) == SLUICE_EINVAL);
  EXPECT(edits->add_header(r, SLUICE_VIEW("Transfer-Encoding"), SLUICE_VIEW("chunked")) == SLUICE_EINVAL);
  EXPECT(edits->remove_header(r, SLUICE_VIEW("HOST")) == SLUICE_EINVAL && edits->set_header(r, SLUICE_VIEW("Host"),
      SLUICE_VIEW("x")) == SLUICE_EINVAL);
  EXPECT(edits->set_header(r, SLUICE_VIEW("X-Bad"), SLUICE_VIEW("a\r\nX-Evil: 1")) == SLUICE_EINVAL);
  EXPECT(edits->set_header(r, SLUICE_VIEW("X Bad"), SLUICE_VIEW("a")) == SLUICE_EINVAL && edits->set_header(r, SLUICE_VIEW(""),
      SLUICE_VIEW("a")) == SLUICE_EINVAL);
  EXPECT(edits->remove_query(r, SLUICE_VIEW("x")) == 0 && edits->remove_query(r, SLUICE_VIEW("x")) == SLUICE_ENOTFOUND);
  EXPECT(requests->attribute(r, SLUICE_ATTRIBUTE_PATH, &v) == 0 && is(v, "/a/b?name=a%20b+c&secret=s"));
  EXPECT(edits->set_path(r, SLUICE_VIEW("/new?q=1")) == 0 && edits->set_path(r, SLUICE_VIEW("new")) == SLUICE_EINVAL);
  EXPECT(edits->set_path(r, SLUICE_VIEW("/a b")) == SLUICE_EINVAL && edits->set_path(r, SLUICE_VIEW("/a\r\nX: y")) == SLUICE_EINVAL
      && edits->set_path(r, SLUICE_VIEW("/a#b")) == SLUICE_EINVAL);
  EXPECT(edits->set_method(r, SLUICE_VIEW("POST")) == 0 && edits->set_method(r, SLUICE_VIEW("CONNECT")) == SLUICE_EINVAL
      && edits->set_method(r, SLUICE_VIEW("A B")) == SLUICE_EINVAL);
  EXPECT(edits->set_host(r, SLUICE_VIEW("up.example:8080")) == 0 && edits->set_host(r, SLUICE_VIEW("[::1]:80")) == 0);
  EXPECT(edits->set_host(r, SLUICE_VIEW("a/b")) == SLUICE_EINVAL && edits->set_host(r, SLUICE_VIEW("a:b")) == SLUICE_EINVAL
      && edits->set_host(r, SLUICE_VIEW("[]")) == SLUICE_EINVAL && edits->set_host(r, SLUICE_VIEW("a:")) == SLUICE_EINVAL);
  EXPECT(edits->set_request_id(r, SLUICE_VIEW("id-1")) == 0 && edits->set_request_id(r, SLUICE_VIEW("a b")) == SLUICE_EINVAL);
  EXPECT(edits->set_consumer(r, SLUICE_VIEW("anna")) == 0 && edits->set_consumer(r, SLUICE_VIEW("")) == SLUICE_EINVAL);

  char *p = memories->allocate(r, 100);
  sluice_request_view copy;
  EXPECT(p && ((uintptr_t)p & 15) == 0 && memories->allocate(r, UINT64_MAX) == NULL && memories->allocate(r, 2 << 20) == NULL);
  EXPECT(memories->duplicate(r, SLUICE_VIEW("kept"), &copy) == 0 && copy.size == 4 && !memcmp(copy.data, "kept", 4));
  while (memories->allocate(r, 65536)) {}
  static char big[60000];
  memset(big, 'a', sizeof big);
  EXPECT(edits->set_header(r, SLUICE_VIEW("X-Big"), sluice_view_of(big, 9000)) == SLUICE_ENOMEM || edits->set_header(r,
      SLUICE_VIEW("X-Big"), sluice_view_of(big, 60000)) < 0);
  return SLUICE_CONTINUE;
}

static int32_t edit_response(void *instance, sluice_response *r) {
  sluice_view v;
  (void)instance;
  EXPECT(responses->status(r) == 200 && responses->set_status(r, 203) == 0 && responses->status(r) == 203);
  EXPECT(responses->set_status(r, 204) == SLUICE_EINVAL && responses->set_status(r, 101) == SLUICE_EINVAL && responses->set_status(r,
      600) == SLUICE_EINVAL);
  EXPECT(responses->header(r, SLUICE_VIEW("server"), &v) == 0 && is(v, "origin"));
  EXPECT(responses->set_header(r, SLUICE_VIEW("Server"), SLUICE_VIEW("hidden")) == 0 && responses->add_header(r, SLUICE_VIEW("X-Two"),
      SLUICE_VIEW("2")) == 0);
  EXPECT(responses->remove_header(r, SLUICE_VIEW("Content-Length")) == SLUICE_EINVAL);
  EXPECT(requests->attribute(responses->request(r), SLUICE_ATTRIBUTE_URL_PATH, &v) == 0 && is(v, "/a/b"));
  EXPECT(edits->set_header((sluice_request *)r, SLUICE_VIEW("x"), SLUICE_VIEW("y")) == SLUICE_EPHASE);
  return SLUICE_CONTINUE;
}

static int32_t upper(void *instance, sluice_body *b) {
  uint8_t *data;
  uint64_t size;
  (void)instance;
  int32_t status = bodies->writable(b, &data, &size);
  if (status < 0) return status;
  for (uint64_t i = 0; i < size; i++) if (data[i] >= 'a' && data[i] <= 'z') data[i] -= 32;
  return bodies->is_last(b) ? bodies->append(b, SLUICE_VIEW("!")) : SLUICE_CONTINUE;
}

/* Doubles the chunk by replace and append; swallows one that says "drop". */
static int32_t split(void *instance, sluice_body *b) {
  sluice_view v;
  (void)instance;
  if (bodies->chunk(b, &v) < 0) return SLUICE_EFAULT;
  if (is(v, "drop")) return bodies->replace(b, SLUICE_VIEW(""));
  char copy[64];
  uint64_t n = v.size < sizeof copy ? v.size : sizeof copy;
  memcpy(copy, v.data, n);
  int32_t status = bodies->replace(b, SLUICE_VIEW("<"));
  if (!status) status = bodies->append(b, sluice_view_of(copy, n));
  return status ? status : bodies->append(b, SLUICE_VIEW(">"));
}

static int32_t count_log(void *instance, sluice_exchange_log *x) {
  sluice_exchange_facts f = {.size = sizeof f};
  struct { uint32_t size, status; uint64_t guard; } small = {8, 0, 77};
  (void)instance;
  EXPECT(exchanges->facts(x, &f) == 0 && f.status == 200 && f.bytes_sent == 10 && f.bytes_received == 20 && f.duration_us == 30
      && f.upstream_us == 40 && f.retries == 1);
  EXPECT(exchanges->facts(x, (sluice_exchange_facts *)&small) == 0 && small.status == 200 && small.guard == 77);
  EXPECT(responses->set_status((sluice_response *)x, 500) == SLUICE_EPHASE && responses->status((sluice_response *)x) == 0);
  EXPECT(bodies->append((sluice_body *)x, SLUICE_VIEW("x")) == SLUICE_EPHASE);
  return SLUICE_CONTINUE;
}

static sluice_request *kept;
static int32_t keep_handle(void *instance, sluice_request *r) { (void)instance; kept = r; return SLUICE_CONTINUE; }
static int32_t misuse_handle(void *instance, sluice_exchange_log *x) {
  (void)instance; (void)x;
  EXPECT(edits->set_header(kept, SLUICE_VIEW("x"), SLUICE_VIEW("y")) == SLUICE_EPHASE);
  EXPECT(answers->respond(kept, 200, SLUICE_VIEW("late")) == SLUICE_EPHASE);
  return SLUICE_CONTINUE;
}

static int32_t answer(void *instance, sluice_request *r) {
  (void)instance;
  EXPECT(answers->respond(r, 204, SLUICE_VIEW("body")) == SLUICE_EINVAL && answers->respond(r, 100, SLUICE_VIEW("")) == SLUICE_EINVAL);
  EXPECT(answers->add_header(r, SLUICE_VIEW("Retry-After"), SLUICE_VIEW("3")) == 0 && answers->add_header(r, SLUICE_VIEW("Connection"),
      SLUICE_VIEW("close")) == SLUICE_EINVAL);
  return answers->respond(r, 429, SLUICE_VIEW("slow down\n"));
}
static int32_t answer_silently(void *instance, sluice_request *r) { (void)instance; answers->respond(r, 200, SLUICE_VIEW("x"));
    return SLUICE_CONTINUE; }

/* Waits once: on its fiber, or with a token that a job of the next turn resumes. */
static const sluice_io_v1 *ios;
static const sluice_loop_v1 *loops;
static const sluice_suspend_v1 *suspends;
static int32_t yield(void *instance, sluice_request *r) { (void)instance; (void)r; return ios->sleep(the_host, 0); }
static void resume(void *data, int32_t status) { (void)status; suspends->resume(the_host, (sluice_token)(uintptr_t)data, SLUICE_CONTINUE); }
static int32_t take_token(void *instance, sluice_request *r) {
  sluice_token token;
  (void)instance;
  int32_t status = suspends->prepare(r, 1000, &token);
  if (!status) status = loops->post(the_host, resume, (void *)(uintptr_t)token);
  return status ? status : SLUICE_SUSPEND;
}

static const void *get_extension(void *state, const char *id) {
  static sluice_filter_v1 f = {.size = sizeof f, .configure = configure, .release = release};
  (void)state;
  if (VARIANT == NO_FILTER || strcmp(id, SLUICE_FILTER_1)) return NULL;
  ios = the_host->get_extension(the_host, SLUICE_IO_1);
  loops = the_host->get_extension(the_host, SLUICE_LOOP_1);
  suspends = the_host->get_extension(the_host, SLUICE_SUSPEND_1);
  switch (VARIANT) {
    case YIELDER: f.configure = NULL; f.access = yield; break;
    case TOKENER: f.configure = NULL; f.access = take_token; break;
    case UPPER: f.body_filter = upper; break;
    case SPLITTER: f.body_filter = split; break;
    case EDITS: f.rewrite = edit_request; f.header_filter = edit_response; break;
    case ABUSER: f.rewrite = keep_handle; f.log = misuse_handle; break;
    case ANSWERER: f.rewrite = answer_silently; f.access = answer; break;
    case EMPTY: f.configure = NULL; f.rewrite = empty_request; f.access = empty_request; f.header_filter = empty_response;
        f.body_filter = empty_body; f.log = empty_log; break;
    case FAILING: f.access = fail_request; f.log = fail_log; break;
    case COUNTER: f.log = count_log; break;
    default: f.rewrite = hello;
  }
  return &f;
}

#if VARIANT == 3 || VARIANT == 4 || VARIANT == 5
extern SLUICE_EXPORT const sluice_plugin_entry sluice_plugin_v1;
const sluice_plugin_entry sluice_plugin_v1 = {VARIANT == SHORT_ENTRY ? 24 : sizeof(sluice_plugin_entry), VARIANT == BAD_MAJOR ? 2 : 1, 0,
    VARIANT == BAD_MAGIC ? 7 : SLUICE_MAGIC, init, destroy, get_extension};
#else
SLUICE_PLUGIN(init, destroy, get_extension)
#endif
#if VARIANT != 6
#ifdef MANIFEST
SLUICE_MANIFEST(MANIFEST)
#else
SLUICE_MANIFEST("{\"name\":\"" NAME "\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"phases\":[" PHASES "]" EXTRA "}")
#endif
#endif
