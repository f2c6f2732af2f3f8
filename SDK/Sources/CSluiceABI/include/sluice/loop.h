/* "sluice.loop/1", the host's side: the worker's event loop for code with callbacks (and what the Swift SDK's executor stands on).
   Every callback runs on the worker's one thread, between requests, and must not block. Each thing started here is counted against the
   plugin: it keeps the generation from being unloaded until it ended, and DELETE with a deadline cancels it. Descriptors stay
   the plugin's: close them after the watch has ended. */
#ifndef SLUICE_LOOP_H
#define SLUICE_LOOP_H
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_LOOP_1 "sluice.loop/1"

enum { SLUICE_READABLE = 1, SLUICE_WRITABLE = 4 }; /* as EPOLLIN, EPOLLOUT */

/* Names something that was started: {slot, generation}; 0 is never one. Stale ids answer SLUICE_GONE. */
typedef uint64_t sluice_task;

/* `status`: SLUICE_OK (for a watch: the readiness bits, > 0), SLUICE_ETIMEDOUT, SLUICE_ECANCELED. */
typedef void (*sluice_callback)(void *data, int32_t status);

typedef struct sluice_loop_v1 {
  /* sizeof(sluice_loop_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* 1 on the worker's own thread, else 0. [any thread | any | must not park] */
  uint32_t (*is_worker_thread)(const sluice_host *host);

  /* Runs `callback(data, SLUICE_OK)` on the worker soon: in this turn of the loop when called there, else after a wake-up.
     SLUICE_ENOMEM: 65,536 jobs wait already. SLUICE_GONE: the plugin is being destroyed. [any thread | any | must not park] */
  int32_t (*post)(const sluice_host *host, sluice_callback callback, void *data);

  /* Once, `after_ms` (0 … 2,147,483,647) from now; with `every_ms` > 0 again and again from then on.
     SLUICE_ELIMIT: the plugin has 65,536 tasks. [worker | any | must not park] */
  int32_t (*start_timer)(const sluice_host *host, uint32_t after_ms, uint32_t every_ms, sluice_callback callback, void *data, sluice_task *task);

  /* Once, when `fd` (non-blocking; one watch at a time) is ready for one of `events` (SLUICE_READABLE | SLUICE_WRITABLE), or after
     `timeout_ms` (0: never). A hang-up or error counts as ready. SLUICE_EINVAL: not a descriptor that can be watched.
     [worker | any | must not park] */
  int32_t (*watch)(const sluice_host *host, int32_t fd, uint32_t events, uint32_t timeout_ms, sluice_callback callback, void *data,
                   sluice_task *task);

  /* Ends a timer or a watch; its callback does not run any more. SLUICE_GONE: it is over already.
     [worker | any | must not park] */
  int32_t (*cancel)(const sluice_host *host, sluice_task task);

  /* Milliseconds of a clock that only goes forward, read once a turn of the loop. [worker | any | must not park] */
  uint64_t (*now_ms)(const sluice_host *host);
} sluice_loop_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_loop_v1) == 56, "sluice_loop_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_loop_v1, post) == 16, "sluice_loop_v1.post");
SLUICE_STATIC_ASSERT(offsetof(sluice_loop_v1, now_ms) == 48, "sluice_loop_v1.now_ms");

SLUICE_END
#endif
