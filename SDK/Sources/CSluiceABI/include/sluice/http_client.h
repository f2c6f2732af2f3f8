/* "sluice.http-client/1", the host's side: HTTP/1.1 requests of the plugin's own. `request` parks (on a fiber); `start` calls back on the
   worker. Connections are kept for later requests (at most 8 idle for an address, 30 s). The answer's body is gathered up to
   `body_max`; a longer one is SLUICE_ELIMIT. Redirects are not followed. https comes with the gateway's TLS (SLUICE_EINVAL until then). */
#ifndef SLUICE_HTTP_CLIENT_H
#define SLUICE_HTTP_CLIENT_H
#include <sluice/loop.h>

SLUICE_BEGIN

#define SLUICE_HTTP_CLIENT_1 "sluice.http-client/1"

typedef struct sluice_http_request {
  uint32_t size; /* sizeof(sluice_http_request) */
  uint32_t header_count;          /* at most 64 */
  sluice_view method;             /* empty: GET */
  sluice_view url;                /* "http://host[:port]/path?query" or "http://unix:/socket:/path", at most 8192 bytes */
  const sluice_header *headers;   /* Host, Content-Length and Connection are the host's */
  sluice_view body;               /* copied */
  uint32_t timeout_ms;            /* of the whole exchange, 1 … 3,600,000 */
  uint32_t body_max;              /* of the answer, at most 16 MiB; 0: 1 MiB */
} sluice_http_request;

/* Views are valid until the next call of the client by the same hook, or inside the callback; `headers` likewise. */
typedef struct sluice_http_response {
  uint32_t size; /* sizeof(sluice_http_response), set by the caller */
  uint32_t status;
  const sluice_header *headers;
  uint32_t header_count;
  uint32_t reserved;
  sluice_view body;
} sluice_http_response;

/* `status` SLUICE_OK: `response` is there; else it is NULL (SLUICE_EIO, SLUICE_ETIMEDOUT, SLUICE_ELIMIT, SLUICE_ECANCELED). */
typedef void (*sluice_http_done)(void *data, int32_t status, const sluice_http_response *response);

typedef struct sluice_http_client_v1 {
  /* sizeof(sluice_http_client_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Asks and waits. SLUICE_EINVAL: malformed request. SLUICE_EAGAIN: not on a fiber. [worker | may park | parks] */
  int32_t (*request)(const sluice_host *host, const sluice_http_request *request, sluice_http_response *response);

  /* Asks; `done` runs once on the worker (not before this returns). Ended by sluice_loop_v1.cancel. [worker | any | must not park] */
  int32_t (*start)(const sluice_host *host, const sluice_http_request *request, sluice_http_done done, void *data, sluice_task *task);
} sluice_http_client_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_http_request) == 72, "sluice_http_request");
SLUICE_STATIC_ASSERT(sizeof(sluice_http_response) == 40, "sluice_http_response");
SLUICE_STATIC_ASSERT(sizeof(sluice_http_client_v1) == 24, "sluice_http_client_v1");

SLUICE_END
#endif
