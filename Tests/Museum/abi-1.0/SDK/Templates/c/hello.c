/* The smallest plugin in C: one header on every request. Build it with the Makefile beside it. */
#include <sluice/sluice.h>
#include <string.h>

static const sluice_request_edit_v1 *edits;

static int32_t rewrite(void *instance, sluice_request *request) {
  (void)instance;
  return edits->set_header(request, SLUICE_VIEW("X-Hello"), SLUICE_VIEW("world"));
}

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  edits = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  return edits ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .rewrite = rewrite};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"hello\",\"version\":\"0.1.0\",\"abi\":1,\"language\":\"c\",\"phases\":[\"rewrite\"],"
                "\"needs\":[\"sluice.request-edit/1\"]}")
