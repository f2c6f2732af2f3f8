/* "sluice.body/1", the host's side: one piece of the response body. In body_filter only. The piece that leaves is the
   chunk as it came, unless replaced, then what was appended. Every later plugin of the route sees what the earlier ones made.
   The memory behind replaced and appended bytes is bounded by the request's (1 MiB at a time): change in place what can be. */
#ifndef SLUICE_BODY_H
#define SLUICE_BODY_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_BODY_1 "sluice.body/1"

typedef struct sluice_body_v1 {
  /* sizeof(sluice_body_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The request, for reading. Never NULL. [worker | body_filter | must not park] */
  const sluice_request *(*request)(const sluice_body *body);

  /* The chunk; may be empty. Its size is the transport's choice and says nothing. [worker | body_filter | must not park] */
  int32_t (*chunk)(const sluice_body *body, sluice_view *chunk);

  /* 1 when nothing follows this chunk, else 0. [worker | body_filter | must not park] */
  uint32_t (*is_last)(const sluice_body *body);

  /* The chunk as bytes that may be changed in place; copied only when the host cannot let go of its own.
     [worker | body_filter | must not park] */
  int32_t (*writable)(sluice_body *body, uint8_t **data, uint64_t *size);

  /* These bytes instead of the chunk and of all that was appended; an empty view swallows the chunk. Copied.
     [worker | body_filter | must not park] */
  int32_t (*replace)(sluice_body *body, sluice_view bytes);

  /* These bytes behind the chunk; copied. [worker | body_filter | must not park] */
  int32_t (*append)(sluice_body *body, sluice_view bytes);
} sluice_body_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_body_v1) == 56, "sluice_body_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_body_v1, chunk) == 16, "sluice_body_v1.chunk");
SLUICE_STATIC_ASSERT(offsetof(sluice_body_v1, append) == 48, "sluice_body_v1.append");

SLUICE_END
#endif
