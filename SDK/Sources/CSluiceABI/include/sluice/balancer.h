/* "sluice.balancer/1", the host's side: choosing the target within the cluster, in the hook `balancer` of filter.h. It runs before every
   attempt (after a failed one too) and must not park. Without a choice the cluster's own balancer decides. */
#ifndef SLUICE_BALANCER_H
#define SLUICE_BALANCER_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_BALANCER_1 "sluice.balancer/1"

/* Set `size` to sizeof before the call; the host fills no more than it says. */
typedef struct sluice_target {
  uint32_t size;
  uint32_t weight;
  sluice_view label;   /* "10.0.0.1:8080" as configured; valid until the hook returns */
  uint32_t active;     /* requests of this worker that are there now */
  uint32_t tried;      /* 1: this request tried it already */
} sluice_target;

typedef struct sluice_balancer_v1 {
  /* sizeof(sluice_balancer_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The request, for reading. Never NULL. [worker | balancer | must not park] */
  const sluice_request *(*request)(const sluice_balance *balance);

  /* Number of targets; their order is the configuration's. [worker | balancer | must not park] */
  uint32_t (*count)(const sluice_balance *balance);

  /* Target `index`. SLUICE_ENOTFOUND: there are fewer. [worker | balancer | must not park] */
  int32_t (*target)(const sluice_balance *balance, uint32_t index, sluice_target *target);

  /* This attempt goes to target `index`. SLUICE_ENOTFOUND: there are fewer. [worker | balancer | must not park] */
  int32_t (*choose)(sluice_balance *balance, uint32_t index);

  /* Times of this attempt in ms, 0 leaves the configured one: connecting; request sent to first byte of the response.
     [worker | balancer | must not park] */
  int32_t (*set_timeouts)(sluice_balance *balance, uint32_t connect_ms, uint32_t response_ms);

  /* How often a failed connect may be tried elsewhere, 0 … 16, in place of the cluster's. [worker | balancer | must not park] */
  int32_t (*set_retries)(sluice_balance *balance, uint32_t retries);

  /* Attempts before this one. [worker | balancer | must not park] */
  uint32_t (*attempts)(const sluice_balance *balance);
} sluice_balancer_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_target) == 32 && offsetof(sluice_target, label) == 8, "sluice_target");
SLUICE_STATIC_ASSERT(sizeof(sluice_balancer_v1) == 64, "sluice_balancer_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_balancer_v1, attempts) == 56, "sluice_balancer_v1.attempts");

SLUICE_END
#endif
