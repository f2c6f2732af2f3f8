/* "sluice.exchange-log/1", the host's side: how an exchange ended. In log only. */
#ifndef SLUICE_EXCHANGE_LOG_H
#define SLUICE_EXCHANGE_LOG_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_EXCHANGE_LOG_1 "sluice.exchange-log/1"

/* Set `size` to sizeof before the call; the host fills no more than it says. */
typedef struct sluice_exchange_facts {
  uint32_t size;
  uint32_t status;         /* sent to the client; 0 when none was */
  uint64_t bytes_sent;     /* of the response body */
  uint64_t bytes_received; /* of the request body */
  uint64_t duration_us;    /* first byte of the request to last byte of the response */
  uint64_t upstream_us;    /* request sent upstream to first byte of the response; 0 when none was asked */
  uint32_t retries;        /* upstream tries after the first */
  uint32_t reserved;
} sluice_exchange_facts;

typedef struct sluice_exchange_log_v1 {
  /* sizeof(sluice_exchange_log_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The request, for reading. Never NULL. [worker | log | must not park] */
  const sluice_request *(*request)(const sluice_exchange_log *exchange);

  /* Numbers of the exchange. [worker | log | must not park] */
  int32_t (*facts)(const sluice_exchange_log *exchange, sluice_exchange_facts *facts);
} sluice_exchange_log_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_exchange_facts) == 48, "sluice_exchange_facts");
SLUICE_STATIC_ASSERT(offsetof(sluice_exchange_facts, duration_us) == 24, "sluice_exchange_facts.duration_us");
SLUICE_STATIC_ASSERT(sizeof(sluice_exchange_log_v1) == 24, "sluice_exchange_log_v1");

SLUICE_END
#endif
