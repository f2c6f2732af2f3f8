/* "sluice.content/1", the host's side: making the whole response, streamed. A route whose plugins have a content hook asks them, in
   order, after access; the first that starts a response is the origin of it, and no upstream is asked. Header and body filters see it.

     content->start(response, 200, -1);  content->add_header(…) before the first write;
     while (more) content->write(response, piece);      // parks on a fiber while the client takes nothing
     return content->finish(response);                                                                      */
#ifndef SLUICE_CONTENT_H
#define SLUICE_CONTENT_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_CONTENT_1 "sluice.content/1"

typedef struct sluice_content_v1 {
  /* sizeof(sluice_content_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The request, for reading (with its gathered body). Never NULL. [worker | content | must not park] */
  sluice_request *(*request)(sluice_content *response);

  /* Status 200–599 and the body's length in bytes, -1 when it is not known (then chunked, or until close for HTTP/1.0). Nothing is sent
     before the first write or finish. SLUICE_EPHASE: started already. [worker | content | must not park] */
  int32_t (*start)(sluice_content *response, uint32_t status, int64_t length);

  /* Fields of the head; rules as in request_edit.h. SLUICE_EPHASE: the head has left. [worker | content | must not park] */
  int32_t (*add_header)(sluice_content *response, sluice_view name, sluice_view value);

  /* Bytes of the body, copied; the first call sends the head. On a fiber it parks until the client has taken enough (high-water mark 64 KiB).
     Elsewhere it never waits: above the mark it takes the bytes and answers SLUICE_EAGAIN, after which the hook must return
     SLUICE_SUSPEND and is called again when there is room; SLUICE_ELIMIT above 1 MiB. SLUICE_ECANCELED: the client left, or the plugin is
     unloaded by force (a hook that waited is called a last time: free what set_data keeps).
     SLUICE_EINVAL: more than the length said at start. [worker | content | parks on a fiber] */
  int32_t (*write)(sluice_content *response, sluice_view bytes);

  /* The response is complete. Returns SLUICE_ANSWERED, which the hook returns. Without it, or with fewer bytes than promised, the
     connection is cut so that nobody takes a part for the whole. [worker | content | must not park] */
  int32_t (*finish)(sluice_content *response);

  /* Pointer-sized state of this response, NULL at first: what a hook that is called again goes on from. [worker | content | must not park] */
  void *(*data)(sluice_content *response);
  void (*set_data)(sluice_content *response, void *data);
} sluice_content_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_content_v1) == 64, "sluice_content_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_content_v1, start) == 16, "sluice_content_v1.start");
SLUICE_STATIC_ASSERT(offsetof(sluice_content_v1, set_data) == 56, "sluice_content_v1.set_data");

SLUICE_END
#endif
