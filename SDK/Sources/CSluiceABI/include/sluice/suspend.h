/* "sluice.suspend/1", the host's side: the third door, for code with callbacks. A hook that may park takes a token, starts its work,
   returns SLUICE_SUSPEND; the worker serves others; later anyone who has the token says how the hook ended.

     sluice_token token;
     if (suspend->prepare(request, 2000, &token) == SLUICE_OK) { ask(token); return SLUICE_SUSPEND; }
     … later, from any thread:  suspend->resume(host, token, SLUICE_CONTINUE);

   A token is {slot, generation}, never a pointer: after the request ended, after a resume, after its time, it names nothing any more
   and every use of it answers SLUICE_GONE. */
#ifndef SLUICE_SUSPEND_H
#define SLUICE_SUSPEND_H
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_SUSPEND_1 "sluice.suspend/1"

typedef uint64_t sluice_token;

/* Runs on the worker when a parked hook goes on or is cancelled: `status` is what resume said, SLUICE_ECANCELED or SLUICE_ETIMEDOUT.
   `request` is valid inside the call, with what the phase allows. Returns what a hook returns (SLUICE_SUSPEND with a new token too).
   Must not park. After SLUICE_ECANCELED the result is ignored: let go of what belongs to the call. */
typedef int32_t (*sluice_continuation)(void *data, void *handle, int32_t status);

typedef struct sluice_suspend_v1 {
  /* sizeof(sluice_suspend_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* A token for the hook that runs now; `handle` is the one it got (sluice_request, sluice_response, sluice_body, sluice_content).
     `timeout_ms` 1 … 3,600,000: then the hook has failed with SLUICE_ETIMEDOUT (the failure mode decides). A token that is not followed
     by the hook returning SLUICE_SUSPEND is void. SLUICE_EPHASE: this hook may not park.
     [worker | rewrite, access, content, header_filter, body_filter | must not park] */
  int32_t (*prepare)(void *handle, uint32_t timeout_ms, sluice_token *token);

  /* The same with a function that runs on the worker when it goes on: there the request may be changed and answered. Without one
     the status given to resume is the hook's result. [worker | as prepare | must not park] */
  int32_t (*prepare_with)(void *handle, uint32_t timeout_ms, sluice_continuation then, void *data, sluice_token *token);

  /* The hook of `token` goes on with `status` (a hook's result; without a continuation SLUICE_ANSWERED needs an answer that was set before).
     The first resume wins. SLUICE_GONE: stale (a resume from another thread may be SLUICE_OK and be found stale later, by the
     worker; nothing happens then). May come before the hook has returned SLUICE_SUSPEND. [any thread | any | must not park] */
  int32_t (*resume)(const sluice_host *host, sluice_token token, int32_t status);
} sluice_suspend_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_suspend_v1) == 32, "sluice_suspend_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_suspend_v1, prepare) == 8, "sluice_suspend_v1.prepare");
SLUICE_STATIC_ASSERT(offsetof(sluice_suspend_v1, resume) == 24, "sluice_suspend_v1.resume");

SLUICE_END
#endif
