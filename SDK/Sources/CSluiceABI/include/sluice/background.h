/* "sluice.background/1", the host's side: work that belongs to no request. Tasks run on fibers of the worker and may use io.h; each is
   counted against the plugin, and is cancelled (SLUICE_ECANCELED from its waits) when the generation goes. Callback timers: loop.h. */
#ifndef SLUICE_BACKGROUND_H
#define SLUICE_BACKGROUND_H
#include <sluice/loop.h>

SLUICE_BEGIN

#define SLUICE_BACKGROUND_1 "sluice.background/1"

typedef void (*sluice_work)(void *data);

typedef struct sluice_background_v1 {
  /* sizeof(sluice_background_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Runs `work(data)` on a fiber, soon; not before this returns. SLUICE_ELIMIT: the plugin has 65,536 tasks.
     [worker | any | must not park] */
  int32_t (*run)(const sluice_host *host, sluice_work work, void *data, sluice_task *task);

  /* The same after `after_ms`, with `every_ms` > 0 again that long after each end: never twice at once. [worker | any | must not park] */
  int32_t (*schedule)(const sluice_host *host, uint32_t after_ms, uint32_t every_ms, sluice_work work, void *data, sluice_task *task);
} sluice_background_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_background_v1) == 24 && offsetof(sluice_background_v1, schedule) == 16, "sluice_background_v1");

SLUICE_END
#endif
