/* A response that is made while it is sent: numbered ticks as server-sent events or as lines, with a pause before each. It runs on a
   fiber, so the loop below looks blocking and holds nobody: thousands of tickers run in one worker. README.md tells the configuration.
   Order of the file: state, configure, hook, entry. */
#include <sluice/json.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS_MAX = 3600000, COUNT_MAX = 1000000000 };

static const sluice_host *the_host;
static const sluice_request_v1 *request_table;
static const sluice_content_v1 *content_table;
static const sluice_io_v1 *io_table;

/* ---- state: one instance per configuration ---- */

typedef struct ticker {
  uint64_t count; /* 0: until the client leaves */
  uint32_t pause_ms;
  uint32_t events; /* 1: text/event-stream, 0: text/plain lines */
} ticker;

/* ---- configure ---- */

static int32_t refuse(sluice_error *error, const char *field, const char *problem) {
  sluice_error_write(error, field);
  sluice_error_write(error, ": ");
  sluice_error_write(error, problem);
  return SLUICE_EINVAL;
}

/* A whole number of 0 … max in decimal digits. */
static int read_number(const char *text, uint64_t size, uint64_t max, uint64_t *out) {
  uint64_t n = 0;
  if (!size || size > 10) return 0;
  for (uint64_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') return 0;
    n = n * 10 + (uint64_t)(text[i] - '0');
  }
  *out = n;
  return n <= max;
}

static int32_t read_config(ticker *t, const sluice_json *config, sluice_error *error) {
  sluice_json key, value;
  uint64_t n;
  for (sluice_json_each it = sluice_json_iterate(config); sluice_json_next(&it, &key, &value);) {
    if (sluice_json_is(&key, "count")) {
      if (value.type != SLUICE_JSON_NUMBER || !read_number(value.text, value.size, COUNT_MAX, &t->count))
        return refuse(error, "count", "a whole number from 0 (without end) to 1000000000 is needed");
    } else if (sluice_json_is(&key, "pause_ms")) {
      if (value.type != SLUICE_JSON_NUMBER || !read_number(value.text, value.size, PAUSE_MS_MAX, &n))
        return refuse(error, "pause_ms", "a whole number of milliseconds from 0 to 3600000 is needed");
      t->pause_ms = (uint32_t)n;
    } else if (sluice_json_is(&key, "format")) {
      t->events = (uint32_t)sluice_json_is(&value, "events");
      if (!t->events && !sluice_json_is(&value, "lines")) return refuse(error, "format", "one of events, lines is needed");
    } else {
      sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
      return refuse(error, "", "unknown; known: count pause_ms format");
    }
  }
  return SLUICE_OK;
}

static int32_t configure(void *state, sluice_view text, void **instance, sluice_error *error) {
  sluice_json config = sluice_json_parse(text);
  ticker *t = calloc(1, sizeof *t);
  (void)state;
  if (!t) return refuse(error, "count", "no memory");
  *t = (ticker){.count = 10, .pause_ms = 1000, .events = 1};
  if (read_config(t, &config, error) < 0) {
    free(t);
    return SLUICE_EINVAL;
  }
  *instance = t;
  return SLUICE_OK;
}

static void release(void *state, void *instance) {
  (void)state;
  free(instance);
}

/* ---- hook ---- */

/* A browser that lost its connection says the last event it saw (WHATWG HTML section 9.2.6); the count goes on behind it. */
static uint64_t first_tick(const ticker *t, const sluice_request *request) {
  sluice_view last;
  uint64_t n = 0;
  if (!t->events || request_table->header(request, SLUICE_VIEW("Last-Event-ID"), &last) < 0) return 1;
  return read_number((const char *)last.data, last.size, COUNT_MAX, &n) ? n + 1 : 1;
}

static int32_t start(const ticker *t, sluice_content *response) {
  int32_t status = content_table->start(response, 200, -1);
  if (status < 0) return status;
  status = content_table->add_header(response, SLUICE_VIEW("Content-Type"),
                                     t->events ? SLUICE_VIEW("text/event-stream") : SLUICE_VIEW("text/plain; charset=utf-8"));
  if (status < 0) return status;
  return content_table->add_header(response, SLUICE_VIEW("Cache-Control"), SLUICE_VIEW("no-store"));
}

/* Every wait ends early with SLUICE_ECANCELED when the client leaves or the plugin is unloaded by force: hand that on, hold nothing. */
static int32_t content(void *instance, sluice_content *response) {
  const ticker *t = instance;
  char text[64];
  sluice_view method;
  /* The request's views are void after the first wait: everything of it is read here. */
  uint64_t tick = first_tick(t, content_table->request(response));
  int32_t status = request_table->attribute(content_table->request(response), SLUICE_ATTRIBUTE_METHOD, &method);
  int is_head = status == SLUICE_OK && method.size == 4 && !memcmp(method.data, "HEAD", 4);
  if (status == SLUICE_OK) status = start(t, response);
  for (; status >= 0 && !is_head && (!t->count || tick <= t->count); tick++) {
    status = io_table->sleep(the_host, t->pause_ms);
    if (status < 0) break;
    int n = snprintf(text, sizeof text, t->events ? "id: %llu\ndata: tick %llu\n\n" : "tick %llu\n", (unsigned long long)tick,
                     (unsigned long long)tick);
    status = content_table->write(response, sluice_view_of(text, (uint64_t)n));
  }
  return status < 0 ? status : content_table->finish(response);
}

/* ---- entry ---- */

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  the_host = host;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  content_table = host->get_extension(host, SLUICE_CONTENT_1);
  io_table = host->get_extension(host, SLUICE_IO_1);
  return request_table && content_table && io_table ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .content = content};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST(
    "{\"name\":\"ticker\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"c\","
    "\"phases\":[\"content\"],\"concurrency\":\"fiber\",\"needs\":[\"sluice.request/1\",\"sluice.content/1\",\"sluice.io/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"count\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000000,\"default\":10},"
    "\"pause_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3600000,\"default\":1000},"
    "\"format\":{\"enum\":[\"events\",\"lines\"],\"default\":\"events\"}}}}")
