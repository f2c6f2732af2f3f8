/* A plugin that goes wrong on demand: its configuration {"fault": …, "phase": …} says how and where. For the tests of crash reports;
   each fault is a function of its own, so that a report can be checked by name. */
#include <sluice/sluice.h>
#include <stdlib.h>
#include <string.h>

#define FAULT __attribute__((noinline)) static void

FAULT fault_null(void) { *(volatile int *)0x10 = 1; }
FAULT fault_abort(void) { abort(); }
FAULT fault_divide(void) { volatile int zero = 0, one = 1; one = one / zero; }
FAULT fault_jump(void) { void (*volatile nowhere)(void) = 0; nowhere(); __asm__ volatile(""); }
FAULT fault_trap(void) { __builtin_trap(); }
FAULT fault_loop(void) { for (volatile int i = 1; i;) {} }
FAULT fault_exit(void) { exit(7); }
FAULT fault_heap(void) {
  char *volatile p = malloc(40);
  *(volatile uint64_t *)(p - 8) = 0x5a5a5a5a5a5a5a5a; /* the allocator's own word in front of the block */
  free(p);
}
__attribute__((noinline)) static int fault_overflow(int depth) {
  volatile char room[4096];
  room[depth & 4095] = (char)depth;
  return fault_overflow(depth + 1) + room[0];
}
FAULT fault_garbage(void) { /* returns into a stack that is all nonsense */
  volatile uint64_t *p = __builtin_frame_address(0);
  for (int i = 0; i < 64; i++) p[i] = 0x4141414141414141ull + (uint64_t)i;
}

typedef struct { char fault[16], phase[16]; } plan;

static int has(sluice_view text, const char *name, const char *value) {
  char wanted[64] = "\"";
  strcat(strcat(strcat(strcat(wanted, name), "\":\""), value), "\"");
  size_t n = strlen(wanted);
  for (size_t i = 0; i + n <= text.size; i++)
    if (!memcmp(text.data + i, wanted, n)) return 1;
  return 0;
}

__attribute__((noinline)) static int32_t run(void *instance, const char *phase) {
  plan *p = instance;
  if (strcmp(p->phase, phase)) return SLUICE_OK;
  if (!strcmp(p->fault, "null")) fault_null();
  if (!strcmp(p->fault, "abort")) fault_abort();
  if (!strcmp(p->fault, "divide")) fault_divide();
  if (!strcmp(p->fault, "jump")) fault_jump();
  if (!strcmp(p->fault, "trap")) fault_trap();
  if (!strcmp(p->fault, "loop")) fault_loop();
  if (!strcmp(p->fault, "exit")) fault_exit();
  if (!strcmp(p->fault, "heap")) fault_heap();
  if (!strcmp(p->fault, "garbage")) fault_garbage();
  if (!strcmp(p->fault, "overflow")) return fault_overflow(1) & 0;
  return SLUICE_OK;
}

static int32_t rewrite(void *i, sluice_request *r) { (void)r; return run(i, "rewrite"); }
static int32_t in_access(void *i, sluice_request *r) { (void)r; return run(i, "access"); }
static int32_t header_filter(void *i, sluice_response *r) { (void)r; return run(i, "header_filter"); }
static int32_t body_filter(void *i, sluice_body *b) { (void)b; return run(i, "body_filter"); }
static int32_t in_log(void *i, sluice_exchange_log *l) { (void)l; return run(i, "log"); }

static int32_t configure(void *state, sluice_view config, void **instance, sluice_error *error) {
  static const char *const faults[] = {"null", "abort", "divide", "jump", "trap", "loop", "exit", "heap", "overflow", "garbage"};
  static const char *const phases[] = {"rewrite", "access", "header_filter", "body_filter", "log", "configure", "release"};
  plan *p = calloc(1, sizeof *p);
  (void)state; (void)error;
  if (!p) return SLUICE_ENOMEM;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (has(config, "fault", faults[i])) strcpy(p->fault, faults[i]);
  for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
    if (has(config, "phase", phases[i])) strcpy(p->phase, phases[i]);
  *instance = p;
  return run(p, "configure");
}
static void release(void *state, void *instance) {
  (void)state;
  run(instance, "release");
  free(instance);
}

static int32_t init(const sluice_host *host, void **state) { (void)host; (void)state; return SLUICE_OK; }
static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .rewrite = rewrite,
      .access = in_access, .header_filter = header_filter, .body_filter = body_filter, .log = in_log};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
#ifdef FIBER
#define CONCURRENCY ",\"concurrency\":\"fiber\""
#else
#define CONCURRENCY ""
#endif
SLUICE_MANIFEST("{\"name\":\"faults\",\"version\":\"0.1.0\",\"abi\":1,\"language\":\"c\","
                "\"phases\":[\"rewrite\",\"access\",\"header_filter\",\"body_filter\",\"log\"]" CONCURRENCY "}")
