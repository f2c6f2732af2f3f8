/* "sluice.memory/1", the host's side: memory that ends with the request. No call to malloc, nothing to free. */
#ifndef SLUICE_MEMORY_H
#define SLUICE_MEMORY_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_MEMORY_1 "sluice.memory/1"

typedef struct sluice_memory_v1 {
  /* sizeof(sluice_memory_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* `bytes` bytes, aligned to 16, not initialised, valid until the request ends. NULL: more than the request may have (1 MiB
     for all plugins together). [worker | all | must not park] */
  void *(*allocate)(const sluice_request *request, uint64_t bytes);

  /* A copy that stays until the request ends. SLUICE_ENOMEM: no room. [worker | all | must not park] */
  int32_t (*duplicate)(const sluice_request *request, sluice_view bytes, sluice_request_view *copy);
} sluice_memory_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_memory_v1) == 24, "sluice_memory_v1");

SLUICE_END
#endif
