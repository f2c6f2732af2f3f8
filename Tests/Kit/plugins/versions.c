/* A plugin of many versions for the tests of replacing, canaries and going back. Compiled with VERSION ("1.0.0"), and what it does wrong:
   FAILS (each access fails), SPINS (milliseconds in each access), CRASHES (in access when the path ends in "boom"). It tells its version
   in a response header, and holds what SLEEPS says (milliseconds) in access, on a fiber. MANIFEST: more members of the manifest. */
#define _GNU_SOURCE
#include <sluice/sluice.h>
#include <string.h>
#include <time.h>

#ifndef MANIFEST
#define MANIFEST ""
#endif

static const sluice_response_v1 *responses;
static const sluice_request_v1 *requests;
#ifdef SLEEPS
static const sluice_io_v1 *io;
static const sluice_host *our_host;
#endif

static int32_t in_access(void *instance, sluice_request *request) {
  (void)instance; (void)request;
#ifdef SPINS
  struct timespec t0, t;
  clock_gettime(CLOCK_MONOTONIC, &t0);
  do clock_gettime(CLOCK_MONOTONIC, &t);
  while ((t.tv_sec - t0.tv_sec) * 1000 + (t.tv_nsec - t0.tv_nsec) / 1000000 < SPINS);
#endif
#ifdef CRASHES
  sluice_view path;
  int has = requests->attribute(request, SLUICE_ATTRIBUTE_PATH, &path) == SLUICE_OK && path.size >= 4;
  if (has && !memcmp(path.data + path.size - 4, "boom", 4)) *(volatile int *)8 = 1;
#endif
#if defined(SLEEPS)
  return io->sleep(our_host, SLEEPS);
#elif defined(FAILS)
  return SLUICE_EIO;
#else
  return SLUICE_OK;
#endif
}

static int32_t header_filter(void *instance, sluice_response *response) {
  (void)instance;
  return responses->set_header(response, SLUICE_VIEW("X-Version"), SLUICE_VIEW(VERSION));
}

/* Takes whatever its schema lets through. */
static int32_t configure(void *state, sluice_view config, void **instance, sluice_error *error) {
  (void)state; (void)config; (void)instance; (void)error;
  return SLUICE_OK;
}

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  responses = host->get_extension(host, SLUICE_RESPONSE_1);
  requests = host->get_extension(host, SLUICE_REQUEST_1);
#ifdef SLEEPS
  our_host = host;
  io = host->get_extension(host, SLUICE_IO_1);
  if (!io) return SLUICE_ENOTFOUND;
#endif
  return responses && requests ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .access = in_access, .header_filter = header_filter};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"versions\",\"version\":\"" VERSION "\",\"abi\":1,\"language\":\"c\","
                "\"phases\":[\"access\",\"header_filter\"]" MANIFEST "}")
