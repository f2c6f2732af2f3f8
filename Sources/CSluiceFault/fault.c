/* The handler: async-signal-safe from the first to the last line, on a stack of its own, and safe against the stack it reads:
   a fault while it unwinds ends the unwinding, not the record. The unwinder finds its tables by _dl_find_object, which is
   lock-free and async-signal-safe (glibc 2.35, gcc 12), so nothing has to be kept up to date after a dlopen.

     fault ─► where were we (shared memory) ─► ids (guarded copy) ─► frames (unwinder, else frame pointers) ─► modules ─► serial ─► die

   Long because it is one piece: nobody should have to look elsewhere for what runs inside a signal handler. */
#define _GNU_SOURCE
#include "include/csluice_fault.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

enum { STACK_BYTES = 128 * 1024, GUARD_BYTES = 64 * 1024, FRAME_BYTES_MAX = 16 << 20 };
static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};

static cs_fault_place place;
static char program[CS_FAULT_PATH_BYTES];
/* Reading what the plugin may have overwritten: a fault meanwhile ends the reading. */
static volatile sig_atomic_t reading, dying;
static sigjmp_buf out_of_reading;

int cs_fault_sample_signal(void) { return SIGRTMIN + 5; }

static uint64_t ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  uint64_t t; __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t)); return t;
#endif
}

/* Copies from an address that may be anything; 0 when it cannot be read whole. */
static int copy_guarded(void *to, uint64_t from, size_t n) {
  struct iovec local = {to, n}, remote = {(void *)from, n};
  return from && syscall(SYS_process_vm_readv, getpid(), &local, 1ul, &remote, 1ul, 0ul) == (long)n;
}

static void copy_path(char *to, const char *from) {
  size_t n = strlen(from), room = CS_FAULT_PATH_BYTES - 1;
  if (n > room) { from += n - room; n = room; }
  memcpy(to, from, n);
  to[n] = 0;
}

/* A view (pointer, count) inside the context; its text cut to CS_FAULT_ID_BYTES. */
static uint32_t copy_view(char *to, uint64_t context, size_t offset) {
  uint64_t view[2];
  if (!context || !copy_guarded(view, context + offset, sizeof view)) return 0;
  size_t n = view[1] > CS_FAULT_ID_BYTES ? CS_FAULT_ID_BYTES : (size_t)view[1];
  return n && copy_guarded(to, view[0], n) ? (uint32_t)n : 0;
}

/* ---- frames ---- */

typedef struct { uint64_t pc, sp, fp, link; } cpu;

static cpu cpu_of(const ucontext_t *u) {
  const mcontext_t *m = &u->uc_mcontext;
#if defined(__x86_64__)
  return (cpu){(uint64_t)m->gregs[REG_RIP], (uint64_t)m->gregs[REG_RSP], (uint64_t)m->gregs[REG_RBP], 0};
#elif defined(__aarch64__)
  return (cpu){m->pc, m->sp, m->regs[29], m->regs[30]};
#endif
}

static void set_cpu(ucontext_t *u, uint64_t pc, uint64_t sp) {
  mcontext_t *m = &u->uc_mcontext;
#if defined(__x86_64__)
  m->gregs[REG_RIP] = (greg_t)pc;
  m->gregs[REG_RSP] = (greg_t)sp;
#elif defined(__aarch64__)
  m->pc = pc;
  m->sp = sp;
#endif
}

typedef struct { cs_fault_record *r; uint64_t pc; int seen; } walk;

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *c, void *arg) {
  walk *w = arg;
  uint64_t ip = _Unwind_GetIP(c);
  if (!w->seen) { w->seen = ip == w->pc; return _URC_NO_REASON; } /* our own frames and the signal's */
  if (!ip || w->r->frame_count == CS_FAULT_FRAMES) return _URC_END_OF_STACK;
  w->r->frames[w->r->frame_count++] = ip;
  return _URC_NO_REASON;
}

static int is_code(uint64_t address) {
  struct dl_find_object found;
  return address && _dl_find_object((void *)address, &found) == 0;
}

/* Code without tables: along frame pointers, which must rise within bounds. */
static void walk_frame_pointers(cs_fault_record *r, cpu at) {
  uint64_t pair[2], fp = at.fp, low = at.sp;
  while (r->frame_count < CS_FAULT_FRAMES && fp >= low && fp - low < FRAME_BYTES_MAX && fp % 8 == 0) {
    if (!copy_guarded(pair, fp, 16) || !is_code(pair[1])) return;
    r->frames[r->frame_count++] = pair[1];
    low = fp + 16;
    fp = pair[0];
  }
}

/* After a call into nowhere: where its caller would go on, as if it had returned; *at stays as it is when there is no such. */
static void return_to_caller(cpu *at) {
#if defined(__x86_64__)
  uint64_t caller;
  if (copy_guarded(&caller, at->sp, sizeof caller) && is_code(caller)) *at = (cpu){caller, at->sp + 8, at->fp, 0};
#elif defined(__aarch64__)
  if (is_code(at->link)) at->pc = at->link;
#endif
}

static void take_frames(cs_fault_record *r, ucontext_t *u) {
  const cpu first = cpu_of(u);
  cpu at = first;
  r->frames[r->frame_count++] = at.pc;
  if (!is_code(at.pc)) {
    return_to_caller(&at);
    if (at.pc != first.pc) r->frames[r->frame_count++] = at.pc;
    set_cpu(u, at.pc, at.sp); /* the unwinder starts from what the kernel saved */
  }
  uint32_t before = r->frame_count;
  walk w = {r, at.pc, 0};
  if (sigsetjmp(out_of_reading, 0) == 0) {
    reading = 1;
    _Unwind_Backtrace(on_frame, &w);
  }
  reading = 0;
  set_cpu(u, first.pc, first.sp);
  if (r->frame_count == before) walk_frame_pointers(r, at);
}

/* ---- modules ---- */

static uint8_t module_of(cs_fault_record *r, uint64_t address) {
  struct dl_find_object found;
  if (!address || _dl_find_object((void *)address, &found) != 0 || !found.dlfo_link_map) return 255;
  uint64_t base = found.dlfo_link_map->l_addr;
  for (uint32_t i = 0; i < r->module_count; i++)
    if (r->modules[i].base == base) return (uint8_t)i;
  if (r->module_count == CS_FAULT_MODULES) return 255;
  cs_fault_module *m = &r->modules[r->module_count];
  const char *name = found.dlfo_link_map->l_name;
  m->base = base;
  copy_path(m->path, name && name[0] ? name : program);
  return (uint8_t)r->module_count++;
}

static void take_modules(cs_fault_record *r) {
  memset(r->frame_module, 255, sizeof r->frame_module);
  if (sigsetjmp(out_of_reading, 0) == 0) {
    reading = 1;
    for (uint32_t i = 0; i < r->frame_count; i++) /* a return address may be the first byte behind its function */
      r->frame_module[i] = module_of(r, i ? r->frames[i] - 1 : r->frames[i]);
  }
  reading = 0;
}

/* ---- the record ---- */

static void write_record(cs_fault_record *r, int number, const siginfo_t *info, ucontext_t *u) {
  cpu at = cpu_of(u);
  memset((char *)r + sizeof r->serial, 0, sizeof *r - sizeof r->serial);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  r->unix_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  r->tick = ticks();
  r->signal = number;
  r->code = info->si_code;
  int is_fault = info->si_code > 0 && (number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE || number == SIGTRAP);
  r->address = is_fault ? (uint64_t)info->si_addr : 0;
  r->pc = at.pc;
  r->sp = at.sp;
  r->plugin = *place.plugin;
  if (r->plugin) {
    r->generation = *place.generation;
    r->phase = *place.phase;
    r->entered_tick = *place.entered_tick;
    r->route_count = copy_view(r->route, *place.context, place.route_offset);
    r->request_count = copy_view(r->request, *place.context, place.request_offset);
  }
  take_frames(r, u);
  take_modules(r);
  __atomic_store_n(&r->serial, r->serial + 1, __ATOMIC_RELEASE);
}

static void die_of(int number) {
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  sigaction(number, &standard, 0);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  pthread_sigmask(SIG_UNBLOCK, &only, 0);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
}

static void on_fatal(int number, siginfo_t *info, void *context) {
  if (reading) siglongjmp(out_of_reading, 1);
  if (dying) die_of(number); /* the record itself is beyond reach */
  dying = 1;
  write_record(place.fault, number, info, context);
  /* A fault repeats when we return, with the default action and the right context in the core; whatever does not is sent again. */
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  sigaction(number, &standard, 0);
  if (info->si_code <= 0 || number == SIGTRAP || number == SIGSYS || number == SIGABRT) die_of(number);
}

static void on_sample(int number, siginfo_t *info, void *context) {
  int saved = errno;
  if (!dying && !reading) write_record(place.sample, number, info, context);
  errno = saved;
}

/* ---- installing ---- */

static _Unwind_Reason_Code on_warm_up(struct _Unwind_Context *c, void *arg) { (void)c; (void)arg; return _URC_NO_REASON; }

static int own_stack(void) {
  char *p = mmap(0, GUARD_BYTES + STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED || mprotect(p + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE)) return -1;
  stack_t s = {.ss_sp = p + GUARD_BYTES, .ss_size = STACK_BYTES};
  return sigaltstack(&s, 0);
}

int cs_fault_install(const cs_fault_place *where) {
  place = *where;
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = 0;
  if (own_stack()) return -1;
  _Unwind_Backtrace(on_warm_up, 0); /* what it makes at its first use is made now */
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER; /* a fault while unwinding must reach us, not end us */
  sigemptyset(&a.sa_mask);
  sigaddset(&a.sa_mask, cs_fault_sample_signal());
  a.sa_sigaction = on_fatal;
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
    if (sigaction(fatal[i], &a, 0)) return -1;
  a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  a.sa_sigaction = on_sample;
  return sigaction(cs_fault_sample_signal(), &a, 0);
}

const char *cs_fault_code_name(int number, int code) {
  if (number == SIGSEGV) return code == SEGV_MAPERR ? "no memory there" : code == SEGV_ACCERR ? "not allowed there" : 0;
  if (number == SIGBUS) return code == BUS_ADRERR ? "no memory behind the file" : code == BUS_ADRALN ? "not aligned" : 0;
  if (number == SIGFPE) return code == FPE_INTDIV ? "integer division by zero" : code == FPE_INTOVF ? "integer overflow" : 0;
  return 0;
}
