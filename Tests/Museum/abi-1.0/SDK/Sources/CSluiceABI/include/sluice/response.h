/* "sluice.response/1", the host's side: the response head before it leaves. In header_filter only. Rules for names
   and values as in request_edit.h. */
#ifndef SLUICE_RESPONSE_H
#define SLUICE_RESPONSE_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_RESPONSE_1 "sluice.response/1"

typedef struct sluice_response_v1 {
  /* sizeof(sluice_response_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The request this is the response to, for reading. Never NULL. [worker | header_filter | must not park] */
  const sluice_request *(*request)(const sluice_response *response);

  /* Status that will be sent, 200–599 (0 on a forged handle). [worker | header_filter | must not park] */
  uint32_t (*status)(const sluice_response *response);

  /* Changes the status, 200–599. A change from or to one that has no body (204, 304) is SLUICE_EINVAL.
     [worker | header_filter | must not park] */
  int32_t (*set_status)(sluice_response *response, uint32_t status);

  /* As in sluice_request_v1. [worker | header_filter | must not park] */
  int32_t (*header)(const sluice_response *response, sluice_view name, sluice_view *value);
  int32_t (*headers)(const sluice_response *response, sluice_header *fields, uint32_t room, uint32_t *count);

  /* As in sluice_request_edit_v1. [worker | header_filter | must not park] */
  int32_t (*set_header)(sluice_response *response, sluice_view name, sluice_view value);
  int32_t (*add_header)(sluice_response *response, sluice_view name, sluice_view value);
  int32_t (*remove_header)(sluice_response *response, sluice_view name);
} sluice_response_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_response_v1) == 72, "sluice_response_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_response_v1, request) == 8, "sluice_response_v1.request");
SLUICE_STATIC_ASSERT(offsetof(sluice_response_v1, header) == 32, "sluice_response_v1.header");
SLUICE_STATIC_ASSERT(offsetof(sluice_response_v1, remove_header) == 64, "sluice_response_v1.remove_header");

SLUICE_END
#endif
