/* What the parts of the fake host know of each other; tests see include/sluice/fake_host.h only. One file a part: host.c (plugin, logs),
   manifest.c, exchange.c (making and looking), run.c (hooks), fiber.c (waiting), loop.c (time, tasks), rules.c, and the tables. */
#ifndef SLUICE_FAKE_H
#define SLUICE_FAKE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sluice/fake_host.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#if defined(__has_include) && __has_include(<openssl/evp.h>) /* else the fake host lacks sluice.crypto/1 and needs no libcrypto */
#define FAKE_HAS_CRYPTO
#include "crypto/include/sluice_fake_crypto.h"
#endif

enum {
  FAKE_TASKS_MAX = 4096, FAKE_LOG_MAX = 1024, FAKE_MEMORY_MAX = 1 << 20, FAKE_STACK = 256 * 1024, FAKE_WRITE_MARK = 64 * 1024,
  FAKE_NAMES_MAX = 64, FAKE_METRICS_MAX = 256, FAKE_NO_PHASE = 255, FAKE_STEPS_MAX = 1000000,
};
#define FAKE_NEVER UINT64_MAX

typedef struct fake_fields { sluice_header *list; uint32_t count, room; } fake_fields;
typedef struct fake_bytes { uint8_t *data; uint64_t size, room; } fake_bytes; /* grows */
typedef struct fake_block { struct fake_block *next; } fake_block;
typedef struct fake_fiber {
  ucontext_t context;
  uint8_t *stack;
  fake_host *host;
  fake_exchange *x;  /* NULL: background work, task `owner` */
  uint64_t owner, wait; /* tasks */
  uint32_t phase;
  int32_t status, result, is_done, is_cancelled;
} fake_fiber;

enum { TASK_FREE, TASK_TIMER, TASK_WATCH, TASK_WAIT, TASK_TOKEN, TASK_HTTP, TASK_WORK };
typedef struct fake_task {
  uint32_t kind, generation, every_ms, events;
  uint64_t deadline;
  int32_t fd, status, is_resumed;
  void *data;
  sluice_callback callback;
  sluice_work work;
  sluice_continuation then;
  sluice_http_done done;
  fake_exchange *x;
  fake_fiber *fiber;
  int serve; /* index of the answer, -1: nobody answers */
} fake_task;

typedef struct fake_job { struct fake_job *next; sluice_callback callback; void *data; uint64_t token; int32_t status; } fake_job;
typedef struct fake_served { char *url, *body; uint32_t status, after_ms; } fake_served_answer;
typedef struct fake_variable_value { uint32_t number; sluice_request_view value; } fake_variable_value;
typedef struct fake_metric_value { char *series; uint32_t kind; double value; } fake_metric_value;
typedef struct fake_point { char *label; uint32_t weight; } fake_point;

struct fake_host {
  sluice_host table; /* first: the plugin's pointer is ours */
  const sluice_plugin_entry *entry;
  void *library, *state, *instance;
  void **instances;
  uint32_t instance_count, is_fiber;
  sluice_filter_v1 filter;
  sluice_routing_v1 routing;
  sluice_worker_v1 worker;
  fake_exchange *exchanges, *current;
  fake_fiber *fiber;
  ucontext_t main;
  fake_task tasks[FAKE_TASKS_MAX];
  uint64_t now, misuse;
  pthread_t thread;
  pthread_mutex_t lock; /* guards jobs: any thread may post */
  fake_job *jobs;
  char *log[FAKE_LOG_MAX];
  uint32_t log_count, served;
  char *clusters[FAKE_NAMES_MAX];
  fake_point targets[FAKE_NAMES_MAX];
  fake_served_answer answers[FAKE_NAMES_MAX];
  char *variables[SLUICE_VARIABLES_PER_WORKER];
  fake_metric_value metrics[FAKE_METRICS_MAX];
  uint32_t cluster_count, target_count, answer_count, variable_count, metric_count;
};

enum { WAIT_NONE, WAIT_FIBER, WAIT_TOKEN, WAIT_BODY, WAIT_ROOM };
struct fake_exchange {
  fake_host *host;
  fake_exchange *next;
  void *instance;
  uint32_t phase, parked_phase, wait, asked; /* asked: WAIT_… that a table function prepared for a hook that is not on a fiber */
  int32_t result;
  fake_fiber *fiber;
  uint64_t token, memory;
  fake_block *blocks;
  const char *method, *path, *authority, *source, *route, *cluster, *id, *consumer;
  char port[8];
  fake_fields request, response, answer;
  fake_bytes body, response_body, answer_body, chunk, behind;
  int body_gathered, body_held, chunk_is_last, chunk_changed, is_blocked, content_started, content_head_sent, content_finished;
  uint32_t answer_status, status, tried;
  int64_t content_length;
  uint64_t content_unread;
  void *content_data;
  int target;
  sluice_exchange_facts facts;
  fake_variable_value variables[SLUICE_VARIABLES_PER_REQUEST];
  uint32_t variable_count;
};

static inline fake_host *fake_of(const sluice_host *host) { return (fake_host *)(uintptr_t)host; }
static inline fake_exchange *fake_x(const void *handle) { return (fake_exchange *)(uintptr_t)handle; }
static inline int fake_ok(sluice_view v) { return v.size == 0 || (v.data && v.size <= UINT32_MAX); }

/* manifest.c */
char *fake_read_manifest(const char *path);
int fake_check_manifest(fake_host *host, const char *json);
/* host.c */
extern const struct fake_extension { const char *id; const void *table; } fake_extensions[];
void fake_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *fake_keep(void *memory); /* ends the test when there is none */
/* exchange.c */
void *fake_allocate(fake_exchange *x, uint64_t bytes);
const char *fake_copy(fake_exchange *x, sluice_view v);
void fake_grow(fake_bytes *b, const void *data, uint64_t size);
/* rules.c */
int fake_is_token(sluice_view v);
int fake_is_value(sluice_view v);
int fake_is_host_owned(sluice_view name);
int fake_is_path(sluice_view v);
int fake_is_authority(sluice_view v);
int fake_is_same(sluice_view a, sluice_view b); /* letters' case ignored */
int32_t fake_field_edit(fake_exchange *x, fake_fields *f, uint32_t operation, sluice_view name, sluice_view value);
int32_t fake_field_find(const fake_fields *f, sluice_view name, sluice_view *value);
int32_t fake_query_find(fake_exchange *x, sluice_view name, sluice_view *value);
int32_t fake_query_remove(fake_exchange *x, sluice_view name);
/* run.c */
int fake_in(fake_exchange *x, uint32_t a, uint32_t b, uint32_t c); /* counts misuse */
int32_t fake_call(fake_exchange *x, uint32_t phase);
void fake_ended(fake_exchange *x, int32_t raw);
/* fiber.c */
void fake_fiber_start(fake_host *h, fake_exchange *x, uint64_t owner, uint32_t phase); /* runs to its first wait or its end */
void fake_fiber_free(fake_fiber *f);
void fake_wake(fake_fiber *f, int32_t status);
int32_t fake_park(fake_host *h, uint64_t deadline, int32_t fd, uint32_t events);
/* loop.c */
fake_task *fake_task_new(fake_host *h, uint32_t kind, uint64_t *id);
fake_task *fake_task_find(fake_host *h, uint64_t id);
void fake_task_free(fake_task *t);
uint64_t fake_after(fake_host *h, uint64_t ms);
#endif
