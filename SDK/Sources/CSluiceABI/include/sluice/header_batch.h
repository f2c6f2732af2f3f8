/* "sluice.header-batch/1", the host's side: many header fields in one call, for plugins that look at several on every request. */
#ifndef SLUICE_HEADER_BATCH_H
#define SLUICE_HEADER_BATCH_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_HEADER_BATCH_1 "sluice.header-batch/1"

enum { SLUICE_EDIT_SET = 0, SLUICE_EDIT_ADD = 1, SLUICE_EDIT_REMOVE = 2 };

typedef struct sluice_header_edit {
  uint32_t operation; /* SLUICE_EDIT_… */
  uint32_t reserved;
  sluice_view name;
  sluice_view value; /* not looked at by REMOVE */
} sluice_header_edit;

typedef struct sluice_header_batch_v1 {
  /* sizeof(sluice_header_batch_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* values[i] becomes the first field named names[i], or an empty view with data NULL when there is none; `count` at most 64.
     Returns how many were found. [worker | all | must not park] */
  int32_t (*request_headers)(const sluice_request *request, const sluice_view *names, sluice_view *values, uint32_t count);
  /* [worker | header_filter | must not park] */
  int32_t (*response_headers)(const sluice_response *response, const sluice_view *names, sluice_view *values, uint32_t count);

  /* All edits in order, or none: the first one that is not allowed is the result, and nothing was changed. At most 64; removing what is not
     there is no error. Rules as in request_edit.h. [worker | rewrite, access | must not park] */
  int32_t (*edit_request)(sluice_request *request, const sluice_header_edit *edits, uint32_t count);
  /* [worker | header_filter | must not park] */
  int32_t (*edit_response)(sluice_response *response, const sluice_header_edit *edits, uint32_t count);
} sluice_header_batch_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_header_edit) == 40 && offsetof(sluice_header_edit, name) == 8, "sluice_header_edit");
SLUICE_STATIC_ASSERT(sizeof(sluice_header_batch_v1) == 40, "sluice_header_batch_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_header_batch_v1, edit_response) == 32, "sluice_header_batch_v1.edit_response");

SLUICE_END
#endif
