/* "sluice.request-body/1", the host's side: the request's body in rewrite and access. Bodies flow by unless a plugin asks; then the
   whole body is gathered first, up to the limit of the route (`plugin_body_bytes`, default 1 MiB; a longer one is answered with 413), and the
   hook sees it complete. On a fiber `gather` parks; without one, or in Swift, the hook returns what `gather` returned
   (SLUICE_SUSPEND) and is called again when the body is there:

     int32_t r = body->gather(request);
     if (r != SLUICE_OK) return r;                       // SLUICE_SUSPEND: called again; negative: failed
     body->pieces(request, views, 16, &count); …                                                            */
#ifndef SLUICE_REQUEST_BODY_H
#define SLUICE_REQUEST_BODY_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_REQUEST_BODY_1 "sluice.request-body/1"

typedef struct sluice_request_body_v1 {
  /* sizeof(sluice_request_body_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* SLUICE_OK: the body is complete (a request without one has an empty one). SLUICE_SUSPEND: not on a fiber and not there yet; the hook
     must return it. SLUICE_ECANCELED: the client broke off, or the plugin is unloaded by force.
     [worker | rewrite, access | parks on a fiber] */
  int32_t (*gather)(sluice_request *request);

  /* The gathered body as pieces in order, at most `room`; `*count` is how many there are. Before gather: none. The bytes stay until the
     body is replaced or the request ends. SLUICE_ELIMIT: more than `room`. [worker | rewrite, access | must not park] */
  int32_t (*pieces)(const sluice_request *request, sluice_view *pieces, uint32_t room, uint32_t *count);

  /* Bytes of the gathered body; of one that was not gathered what Content-Length says, -1 when unknown.
     [worker | rewrite, access | must not park] */
  int64_t (*length)(const sluice_request *request);

  /* These bytes instead of the gathered body: copied, sent with their own Content-Length. SLUICE_EPHASE: nothing was gathered.
     SLUICE_ELIMIT: longer than the route's limit. [worker | rewrite, access | must not park] */
  int32_t (*replace)(sluice_request *request, sluice_view bytes);

  /* Piece `index` as bytes that may be changed in place. [worker | rewrite, access | must not park] */
  int32_t (*writable)(sluice_request *request, uint32_t index, uint8_t **data, uint64_t *size);
} sluice_request_body_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_request_body_v1) == 48, "sluice_request_body_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_body_v1, gather) == 8, "sluice_request_body_v1.gather");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_body_v1, writable) == 40, "sluice_request_body_v1.writable");

SLUICE_END
#endif
