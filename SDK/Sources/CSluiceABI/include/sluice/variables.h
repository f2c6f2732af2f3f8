/* "sluice.variables/1", the host's side: values that plugins hand to each other, and to rules and the access log, for one request. A variable
   is a name that everybody in the worker shares; ask for its number once, in init or configure, and use the number on requests. */
#ifndef SLUICE_VARIABLES_H
#define SLUICE_VARIABLES_H
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_VARIABLES_1 "sluice.variables/1"

enum {
  SLUICE_VARIABLE_NAME_BYTES_MAX = 64,
  SLUICE_VARIABLE_BYTES_MAX = 8192,   /* of one value */
  SLUICE_VARIABLES_PER_REQUEST = 64,  /* with a value */
  SLUICE_VARIABLES_PER_WORKER = 1024, /* names */
};

typedef struct sluice_variables_v1 {
  /* sizeof(sluice_variables_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Number (> 0) of the variable `name`, 1–64 bytes of a–z, 0–9, '_' and '.', made when it is new. It is the same for every plugin of this
     worker as long as the worker lives, and may differ in another worker. Prefix names of your own with the plugin's ("geo.country").
     SLUICE_EINVAL: not such a name. SLUICE_ELIMIT: the worker has 1,024 of them.
     [worker | init, worker_init, configure | must not park] */
  int32_t (*number)(const sluice_host *host, sluice_view name);

  /* The value that was set last. It stays valid and unchanged until the request ends, also when the variable is set again.
     SLUICE_ENOTFOUND: not set in this request. SLUICE_EINVAL: not a number of `number`. [worker | all | must not park] */
  int32_t (*get)(const sluice_request *request, uint32_t variable, sluice_request_view *value);

  /* Gives the variable a value: any bytes, at most 8 KiB, copied into the request's memory; an empty one is a value too.
     SLUICE_ELIMIT: the value is longer, or 64 others are set. SLUICE_ENOMEM: the request may not allocate more.
     SLUICE_EPHASE: in log. [worker | all but log | must not park] */
  int32_t (*set)(const sluice_request *request, uint32_t variable, sluice_view value);
} sluice_variables_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_variables_v1) == 32, "sluice_variables_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_variables_v1, number) == 8, "sluice_variables_v1.number");
SLUICE_STATIC_ASSERT(offsetof(sluice_variables_v1, get) == 16, "sluice_variables_v1.get");
SLUICE_STATIC_ASSERT(offsetof(sluice_variables_v1, set) == 24, "sluice_variables_v1.set");

SLUICE_END
#endif
