/* A plugin of the tests: every request waits on its fiber for as long as its query says (`ms`), then is answered. It counts what became of
   the waits; `?count` answers "STARTED ENDED CANCELLED". Used by test_parked.py. */
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sluice_host *the_host;
static const sluice_request_v1 *request_table;
static const sluice_answer_v1 *answer_table;
static const sluice_io_v1 *io_table;
static unsigned long started, ended, cancelled;

static int32_t access_hook(void *instance, sluice_request *request) {
  char text[64];
  sluice_view value;
  (void)instance;
  if (request_table->query(request, SLUICE_VIEW("count"), &value) == SLUICE_OK) {
    int n = snprintf(text, sizeof text, "%lu %lu %lu", started, ended, cancelled);
    return answer_table->respond(request, 200, sluice_view_of(text, (uint64_t)n));
  }
  if (request_table->query(request, SLUICE_VIEW("ms"), &value) < 0 || value.size >= sizeof text) return SLUICE_EINVAL;
  memcpy(text, value.data, value.size);
  text[value.size] = 0;
  uint32_t ms = (uint32_t)strtoul(text, NULL, 10);
  started++;
  int32_t status = io_table->sleep(the_host, ms);
  if (status == SLUICE_ECANCELED) cancelled++;
  if (status < 0) return status;
  ended++;
  return answer_table->respond(request, 200, SLUICE_VIEW("slept\n"));
}

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  the_host = host;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  answer_table = host->get_extension(host, SLUICE_ANSWER_1);
  io_table = host->get_extension(host, SLUICE_IO_1);
  return request_table && answer_table && io_table ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .access = access_hook};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"sleeper\",\"version\":\"1.0.0\",\"abi\":1,\"phases\":[\"access\"],\"concurrency\":\"fiber\"}")
