/* The plugin that is damaged: a filter with every kind of section that a loader looks at, and a constructor that leaves a file named after the
   process it ran in, in the folder TRACES. */
#include <sluice/sluice.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_a_trace(void) {
  char name[32] = "unknown", path[512];
  int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    char words[512] = {0};
    ssize_t n = read(fd, words, sizeof words - 1);
    close(fd);
    for (ssize_t i = 0; i < n; i++) if (!words[i]) words[i] = ' ';
    snprintf(name, sizeof name, "%s", strstr(words, "--probe") ? "probe" : strstr(words, "--worker") ? "worker" : "other");
  }
  snprintf(path, sizeof path, "%s/%s.%d", TRACES, name, (int)getpid());
  fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}
__attribute__((destructor)) static void leave(void) { getpid(); }

static const sluice_request_edit_v1 *edits;
static const char *const words[] = {"one", "two", "three"}; /* relocations */

static int32_t configure(void *state, sluice_view config, void **instance, sluice_error *error) {
  (void)state, (void)error;
  *instance = calloc(1, config.size + 64);
  return *instance ? SLUICE_OK : SLUICE_ENOMEM;
}
static void release(void *state, void *instance) {
  (void)state;
  free(instance);
}
static int32_t rewrite(void *instance, sluice_request *request) {
  (void)instance;
  return edits->set_header(request, SLUICE_VIEW("X-Word"), sluice_view_of(words[(size_t)request % 3], strlen(words[(size_t)request % 3])));
}
static int32_t init(const sluice_host *host, void **state) {
  edits = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  *state = malloc(32);
  return edits ? SLUICE_OK : SLUICE_ENOTFOUND;
}
static void destroy(void *state) { free(state); }
static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .rewrite = rewrite};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, destroy, get_extension)
SLUICE_MANIFEST("{\"name\":\"tripwire\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"phases\":[\"rewrite\"],\"vendor\":\"tests\","
                "\"needs\":[\"sluice.request-edit/1\"],\"optional\":[],\"config_schema\":{\"type\":\"object\"}}")
