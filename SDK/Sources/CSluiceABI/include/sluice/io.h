/* "sluice.io/1", the host's side: calls that look blocking and are not. They work on a fiber (manifest: "concurrency": "fiber"), whose
   worker serves others while they wait; elsewhere they answer SLUICE_EAGAIN and do nothing. Every wait has a deadline and ends with
   SLUICE_ECANCELED when the client leaves, the route's time is over or the plugin is unloaded by force: give back what you hold and return.
   Views that a hook got before a wait are void after it, except sluice_request_view. All functions: [worker | phases that may park,
   background | park]; callbacks of loop.h are plain calls. `timeout_ms`: 1 … 3,600,000 each; results: a count or SLUICE_OK, or SLUICE_E… . */
#ifndef SLUICE_IO_H
#define SLUICE_IO_H
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_IO_1 "sluice.io/1"

typedef struct sluice_io_v1 {
  /* sizeof(sluice_io_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Parks for `ms` (0: lets others run once). [worker | may park | parks] */
  int32_t (*sleep)(const sluice_host *host, uint32_t ms);

  /* Parks until `fd`, a non-blocking descriptor of the plugin, is ready for one of `events` (SLUICE_READABLE | SLUICE_WRITABLE of loop.h):
     so any client library with a non-blocking mode works unchanged. Returns the bits that are ready (> 0).
     [worker | may park | parks] */
  int32_t (*wait_fd)(const sluice_host *host, int32_t fd, uint32_t events, uint32_t timeout_ms);

  /* A stream connection to "127.0.0.1:6379", "[::1]:6379", "name:6379" or "unix:/path"; `*fd` is the plugin's, non-blocking and close-on-exec:
     close it with close(2). [worker | may park | parks] */
  int32_t (*connect)(const sluice_host *host, sluice_view address, uint32_t timeout_ms, int32_t *fd);

  /* Sends all of `bytes`. [worker | may park | parks] */
  int32_t (*send)(const sluice_host *host, int32_t fd, sluice_view bytes, uint32_t timeout_ms);

  /* Receives 1 … `room` (≤ 2^31-1) bytes; returns how many, 0 at the end of the stream. [worker | may park | parks] */
  int32_t (*receive)(const sluice_host *host, int32_t fd, uint8_t *bytes, uint32_t room, uint32_t timeout_ms);

  /* 1 on a fiber, where the calls above may be used; 0 elsewhere. [worker | any | must not park] */
  uint32_t (*may_park)(const sluice_host *host);
} sluice_io_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_io_v1) == 56, "sluice_io_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_io_v1, wait_fd) == 16, "sluice_io_v1.wait_fd");
SLUICE_STATIC_ASSERT(offsetof(sluice_io_v1, may_park) == 48, "sluice_io_v1.may_park");

SLUICE_END
#endif
