/* Words that every other header uses: views, statuses, phases, how a table is read. Nothing here calls anything.
   The bracket at the end of a function's comment reads [process | phases | may park or must not]. */
#ifndef SLUICE_BASE_H
#define SLUICE_BASE_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SLUICE_BEGIN extern "C" {
#define SLUICE_END }
#define SLUICE_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define SLUICE_BEGIN
#define SLUICE_END
#define SLUICE_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define SLUICE_EXPORT __attribute__((visibility("default")))

SLUICE_BEGIN

/* Borrowed bytes, not NUL-terminated. Valid until the hook that got it returns, or parks, or until the thing it shows
   is changed, whichever comes first. `data` may be NULL only when `size` is 0. */
typedef struct sluice_view {
  const uint8_t *data;
  uint64_t size;
} sluice_view;

/* Borrowed bytes that stay valid and unchanged until the request ends (its log phase included). */
typedef struct sluice_request_view {
  const uint8_t *data;
  uint64_t size;
} sluice_request_view;

/* A header field. Both views as above; the name has the letters' case of the wire. */
typedef struct sluice_header {
  sluice_view name;
  sluice_view value;
} sluice_header;

/* The opaque handles, one type per family of phases, so that a call which a phase does not allow does not compile.
   They are valid inside the hook they were passed to and nowhere else. */
typedef struct sluice_request sluice_request;           /* rewrite, access */
typedef struct sluice_response sluice_response;         /* header_filter */
typedef struct sluice_body sluice_body;                 /* body_filter */
typedef struct sluice_exchange_log sluice_exchange_log; /* log */

/* What a hook returns, and what a host function returns. Negative values are errors; a hook that returns one has
   failed, and the failure mode of the plugin decides what the client gets. Unknown positive values count as failures. */
enum {
  SLUICE_OK = 0,
  SLUICE_CONTINUE = 0, /* the next plugin's turn */
  SLUICE_ANSWERED = 1, /* sluice.answer/1 holds the answer; nothing goes upstream */
  SLUICE_SUSPEND = 2,  /* reserved: refused as a failure by hosts of minor version 0 */

  SLUICE_EINVAL = -1,     /* an argument is malformed or not allowed here */
  SLUICE_ENOTFOUND = -2,  /* no such header, argument or attribute */
  SLUICE_EPHASE = -3,     /* this phase does not allow the call; nothing was done, and the host counts it */
  SLUICE_ENOMEM = -4,     /* the request may not allocate more */
  SLUICE_ELIMIT = -5,     /* a count or size is above its bound */
  SLUICE_ECANCELED = -6,  /* reserved: the request is over */
  SLUICE_GONE = -7,       /* reserved: a stale token */
  SLUICE_EFAULT = -8,     /* the plugin's own failure, for hooks that have no better name for it */
};

/* Phases that hooks run in; also the index of their counters. Numbers never change, new ones are appended. */
enum {
  SLUICE_PHASE_REWRITE = 0,
  SLUICE_PHASE_ACCESS = 1,
  SLUICE_PHASE_HEADER_FILTER = 2,
  SLUICE_PHASE_BODY_FILTER = 3,
  SLUICE_PHASE_LOG = 4,
};

/* Is `field` of `table` there? True when it lies within the size that the other side gave and is not NULL. Use it for
   every field that was not in the table's first release. */
#define SLUICE_HAS(table, type, field) \
  ((table) && (table)->size >= offsetof(type, field) + sizeof((table)->field) && (table)->field)

/* A view of a string literal, and of a NUL-terminated string. */
#define SLUICE_VIEW(literal) (sluice_view_of((literal), sizeof(literal) - 1))
static inline sluice_view sluice_view_of(const void *data, uint64_t size) {
  sluice_view v;
  v.data = (const uint8_t *)data;
  v.size = size;
  return v;
}

SLUICE_STATIC_ASSERT(sizeof(void *) == 8, "the contract is for 64-bit machines");
SLUICE_STATIC_ASSERT(sizeof(sluice_view) == 16 && offsetof(sluice_view, size) == 8, "sluice_view");
SLUICE_STATIC_ASSERT(sizeof(sluice_request_view) == 16 && offsetof(sluice_request_view, size) == 8, "sluice_request_view");
SLUICE_STATIC_ASSERT(sizeof(sluice_header) == 32 && offsetof(sluice_header, value) == 16, "sluice_header");

SLUICE_END
#endif
