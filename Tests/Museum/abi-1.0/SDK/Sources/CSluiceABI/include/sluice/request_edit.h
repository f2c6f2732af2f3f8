/* "sluice.request-edit/1", the host's side: changing the request on its way to the upstream. In rewrite and access
   only; anywhere else the calls do not compile, and forged handles get SLUICE_EPHASE.
   The host copies what it is given. Header names must be tokens, values free of controls (RFC 9110 section 5.5), and the
   fields that frame or route the message or belong to one connection (Content-Length, Transfer-Encoding, Connection, …)
   are the host's: SLUICE_EINVAL. SLUICE_ENOMEM: the request may not allocate more. Bracket of all functions, unless
   it says otherwise: [worker | rewrite, access | must not park]. */
#ifndef SLUICE_REQUEST_EDIT_H
#define SLUICE_REQUEST_EDIT_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_REQUEST_EDIT_1 "sluice.request-edit/1"

typedef struct sluice_request_edit_v1 {
  /* sizeof(sluice_request_edit_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Replaces every field of this name by one. [worker | rewrite, access | must not park] */
  int32_t (*set_header)(sluice_request *request, sluice_view name, sluice_view value);

  /* Adds a field behind those that are there. [worker | rewrite, access | must not park] */
  int32_t (*add_header)(sluice_request *request, sluice_view name, sluice_view value);

  /* Removes every field of this name. SLUICE_ENOTFOUND: there was none. [worker | rewrite, access | must not park] */
  int32_t (*remove_header)(sluice_request *request, sluice_view name);

  /* Path and query for the upstream, in origin form: starts with '/', bytes 0x21–0x7e without '#', at most 8192.
     [worker | rewrite, access | must not park] */
  int32_t (*set_path)(sluice_request *request, sluice_view path_and_query);

  /* A token of at most 32 bytes. The framing of the body does not change; CONNECT is refused.
     [worker | rewrite, access | must not park] */
  int32_t (*set_method)(sluice_request *request, sluice_view method);

  /* Host field for the upstream: name or IP literal with optional port, at most 255 bytes; routing is not repeated.
     [worker | rewrite, access | must not park] */
  int32_t (*set_host)(sluice_request *request, sluice_view host);

  /* Removes every query argument of this name (compared as sluice_request_v1.query does).
     SLUICE_ENOTFOUND: there was none. [worker | rewrite, access | must not park] */
  int32_t (*remove_query)(sluice_request *request, sluice_view name);

  /* Attribute request.id, also in the access log: 1–128 bytes 0x21–0x7e. It sets no header.
     [worker | rewrite, access | must not park] */
  int32_t (*set_request_id)(sluice_request *request, sluice_view id);

  /* Attribute consumer.name, also in the access log: 1–128 bytes without controls. It sets no header.
     [worker | rewrite, access | must not park] */
  int32_t (*set_consumer)(sluice_request *request, sluice_view name);
} sluice_request_edit_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_request_edit_v1) == 80, "sluice_request_edit_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_edit_v1, set_header) == 8, "sluice_request_edit_v1.set_header");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_edit_v1, set_path) == 32, "sluice_request_edit_v1.set_path");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_edit_v1, set_consumer) == 72, "sluice_request_edit_v1.set_consumer");

SLUICE_END
#endif
