/* Entering and leaving a fiber: the C around fiber.S, with what AddressSanitizer and ThreadSanitizer must be told. Stacks, pools and
   what a fiber is for belong to SluiceLoop (Fiber.swift). */
#include "include/csluice_sys.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define TELL_START(fake, stack, bytes) __sanitizer_start_switch_fiber(fake, stack, bytes)
#define TELL_FINISH(fake, stack, bytes) __sanitizer_finish_switch_fiber(fake, stack, bytes)
#else
#define TELL_START(fake, stack, bytes) ((void)0)
#define TELL_FINISH(fake, stack, bytes) ((void)0)
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
/* `fake` is this fiber as ThreadSanitizer knows it, `caller_stack` whoever entered it. Both on the one thread: the switch orders them. */
#define TSAN_ENTER(f) ((f)->caller_stack = __tsan_get_current_fiber(), __tsan_switch_to_fiber((f)->fake, 0))
#define TSAN_LEAVE(f) __tsan_switch_to_fiber((void *)(uintptr_t)(f)->caller_stack, 0)
#define TSAN_MAKE(f) ((f)->fake = __tsan_create_fiber(0))
#define TSAN_END(f) ((f)->finished ? __tsan_destroy_fiber((f)->fake) : (void)0)
#else
#define TSAN_ENTER(f) ((void)0)
#define TSAN_LEAVE(f) ((void)0)
#define TSAN_MAKE(f) ((void)0)
#define TSAN_END(f) ((void)0)
#endif

extern intptr_t cs_fiber_switch(void **save, void *to, intptr_t value) __attribute__((visibility("hidden")));
extern void cs_fiber_boot(void) __attribute__((visibility("hidden")));

static void run(cs_fiber *f) {
  TELL_FINISH(NULL, &f->caller_stack, &f->caller_bytes);
  f->work(f);
  f->finished = 1;
  TELL_START(NULL, f->caller_stack, f->caller_bytes);
  TSAN_LEAVE(f);
  cs_fiber_switch(&f->sp, f->caller, 0);
  __builtin_trap(); /* nobody enters a fiber that has finished */
}

void cs_fiber_start(cs_fiber *f, void (*work)(cs_fiber *)) {
  f->work = work;
  f->finished = 0;
  f->fake = NULL;
  TSAN_MAKE(f);
  uintptr_t *top = (uintptr_t *)((char *)f->stack + f->stack_bytes); /* page-aligned */
#if defined(__x86_64__)
  uintptr_t *s = top - 10; /* boot starts with rsp 16-aligned, as a call wants it */
  s[0] = (uintptr_t)0x037f << 32 | 0x1f80; /* x87 and SSE control words at their defaults */
  s[1] = s[2] = s[3] = 0; /* r15 r14 r13 */
  s[4] = (uintptr_t)f;    /* r12 */
  s[5] = (uintptr_t)run;  /* rbx */
  s[6] = 0;               /* rbp */
  s[7] = (uintptr_t)cs_fiber_boot;
  s[8] = s[9] = 0;
#elif defined(__aarch64__)
  uintptr_t *s = top - 22;
  memset(s, 0, 176);
  s[8] = (uintptr_t)run;            /* x19 */
  s[9] = (uintptr_t)f;              /* x20 */
  s[19] = (uintptr_t)cs_fiber_boot; /* x30 */
#else
#error "fibers are written for x86-64 and aarch64"
#endif
  f->sp = s;
}

intptr_t cs_fiber_enter(cs_fiber *f, intptr_t value) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
  void *fake;
#endif
  TELL_START(&fake, f->stack, f->stack_bytes);
  TSAN_ENTER(f);
  intptr_t r = cs_fiber_switch(&f->caller, f->sp, value);
  TELL_FINISH(fake, NULL, NULL);
  TSAN_END(f);
  return r;
}

intptr_t cs_fiber_leave(cs_fiber *f, intptr_t value) {
  TELL_START(&f->fake, f->caller_stack, f->caller_bytes);
  TSAN_LEAVE(f);
  intptr_t r = cs_fiber_switch(&f->sp, f->caller, value);
  TELL_FINISH(f->fake, &f->caller_stack, &f->caller_bytes);
  return r;
}

int cs_fiber_guard(void *page, size_t bytes) {
  /* MADV_GUARD_INSTALL (Linux 6.13) needs no mapping of its own for the guard; before it there is mprotect. */
  return madvise(page, bytes, 102) == 0 ? 0 : mprotect(page, bytes, PROT_NONE);
}
