/* "sluice.answer/1", the host's side: answering a request instead of sending it upstream. In rewrite and access only.

     answer->add_header(request, SLUICE_VIEW("WWW-Authenticate"), SLUICE_VIEW("ApiKey"));
     return answer->respond(request, 401, SLUICE_VIEW("no key\n"));                                              */
#ifndef SLUICE_ANSWER_H
#define SLUICE_ANSWER_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_ANSWER_1 "sluice.answer/1"

typedef struct sluice_answer_v1 {
  /* sizeof(sluice_answer_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Sets status (200–599) and body of the answer; the body is copied. Returns SLUICE_ANSWERED, which the hook must return
     in its turn: an answer without that result is dropped. The host adds Date, Content-Length and Connection; a
     body with 204 or 304 is SLUICE_EINVAL. SLUICE_ENOMEM: the body does not fit the request's memory.
     [worker | rewrite, access | must not park] */
  int32_t (*respond)(sluice_request *request, uint32_t status, sluice_view body);

  /* Adds a field to the answer's head (before or after respond); rules as in request_edit.h. Without a Content-Type the
     host sends text/plain. [worker | rewrite, access | must not park] */
  int32_t (*add_header)(sluice_request *request, sluice_view name, sluice_view value);
} sluice_answer_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_answer_v1) == 24, "sluice_answer_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_answer_v1, respond) == 8, "sluice_answer_v1.respond");

SLUICE_END
#endif
