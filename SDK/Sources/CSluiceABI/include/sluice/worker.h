/* "sluice.worker/1", the plugin's side: hooks of the worker process itself. Optional. */
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_WORKER_1 "sluice.worker/1"

typedef struct sluice_worker_v1 {
  /* sizeof(sluice_worker_v1) as the plugin was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* After init, when the loop of the worker turns: start timers and background tasks here. `worker` is its number from 0.
     A negative result refuses the load. [worker | worker_init | must not park] */
  int32_t (*worker_init)(void *state, uint32_t worker);

  /* Before destroy: the generation goes, or the worker ends. What was started is cancelled after it.
     [worker | exit_worker | must not park] */
  void (*worker_exit)(void *state);
} sluice_worker_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_worker_v1) == 24 && offsetof(sluice_worker_v1, worker_exit) == 16, "sluice_worker_v1");

SLUICE_END
#endif
