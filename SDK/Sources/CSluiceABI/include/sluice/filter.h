/* "sluice.filter/1", the plugin's side: hooks that run on the requests of the routes that bind the plugin. Every hook
   is optional; those that are not NULL must be the phases of the manifest. Plugins of a route run in the order of the
   configuration in every phase.

   All hooks run on the worker's one thread, one at a time; a hook that computes or blocks for long holds every request of the
   worker. Those that may park can wait without that: on a fiber (io.h), with a token (suspend.h), or in Swift with await.
   `instance` is what configure made; it is shared by all requests of the binding, parked ones included. */
#ifndef SLUICE_FILTER_H
#define SLUICE_FILTER_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_FILTER_1 "sluice.filter/1"

/* Where configure says what is wrong: `text` has room for `room` bytes, `size` is how many were written (0 at first). */
typedef struct sluice_error {
  char *text;
  uint32_t room;
  uint32_t size;
} sluice_error;

typedef struct sluice_filter_v1 {
  /* sizeof(sluice_filter_v1) as the plugin was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Makes an instance from one configuration. `config` is a complete JSON object ("{}" when nothing was configured), checked
     for syntax, nested at most 32 deep, valid until the function returns. Keep what you need, compiled. On error return a
     negative status and write what is wrong with which field into `error`; the change is refused and the text shown to the
     operator. Optional: without it the instance is NULL and only "{}" is accepted.
     [worker | while loading | must not park] */
  int32_t (*configure)(void *state, sluice_view config, void **instance, sluice_error *error);

  /* Gives an instance back; no request uses it any more. Optional.
     [worker | while unloading | must not park] */
  void (*release)(void *state, void *instance);

  /* Before the upstream is chosen: change the request, or answer it.
     Returns SLUICE_CONTINUE, SLUICE_ANSWERED or an error. [worker | rewrite | may park] */
  int32_t (*rewrite)(void *instance, sluice_request *request);

  /* May this request pass? As rewrite, after all rewrites. [worker | access | may park] */
  int32_t (*access)(void *instance, sluice_request *request);

  /* The response head is complete and nothing of it was sent: change status and headers.
     Returns SLUICE_CONTINUE or an error. [worker | header_filter | may park] */
  int32_t (*header_filter)(void *instance, sluice_response *response);

  /* One piece of the response body, in order; the last call has sluice_body_v1.is_last, perhaps with an empty chunk. Answers that plugins
     or the gateway itself make pass by here too, wherever header_filter saw them; responses without a body do not.
     Returns SLUICE_CONTINUE or an error (the response is cut). [worker | body_filter | may park] */
  int32_t (*body_filter)(void *instance, sluice_body *body);

  /* The exchange is over: count it, note it; nothing can be changed. The result only counts as success or failure.
     [worker | log | must not park] */
  int32_t (*log)(void *instance, sluice_exchange_log *exchange);

  /* The whole response is made here instead of by an upstream (content.h). Returns SLUICE_CONTINUE to decline (the next content hook
     or the route's own action follows), SLUICE_ANSWERED after finish, or an error. [worker | content | may park] */
  int32_t (*content)(void *instance, sluice_content *response);

  /* Before every attempt to reach a target of the cluster (balancer.h). Returns SLUICE_CONTINUE or an error.
     [worker | balancer | must not park] */
  int32_t (*balancer)(void *instance, sluice_balance *balance);
} sluice_filter_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_error) == 16 && offsetof(sluice_error, size) == 12, "sluice_error");
SLUICE_STATIC_ASSERT(sizeof(sluice_filter_v1) == 80, "sluice_filter_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_filter_v1, content) == 64, "sluice_filter_v1.content");
SLUICE_STATIC_ASSERT(offsetof(sluice_filter_v1, configure) == 8, "sluice_filter_v1.configure");
SLUICE_STATIC_ASSERT(offsetof(sluice_filter_v1, rewrite) == 24, "sluice_filter_v1.rewrite");
SLUICE_STATIC_ASSERT(offsetof(sluice_filter_v1, log) == 56, "sluice_filter_v1.log");

/* Writes a NUL-terminated text into `error`, cut to its room. */
static inline void sluice_error_write(sluice_error *error, const char *text) {
  while (*text && error->size < error->room) error->text[error->size++] = *text++;
}
/* The same for bytes, for instance a name out of the configuration. */
static inline void sluice_error_write_view(sluice_error *error, sluice_view text) {
  for (uint64_t i = 0; i < text.size && error->size < error->room; i++) error->text[error->size++] = (char)text.data[i];
}

SLUICE_END
#endif
