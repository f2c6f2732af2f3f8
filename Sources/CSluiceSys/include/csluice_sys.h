/* The C that Swift cannot say: variadic calls, packed or union structs, feature-gated functions, vector scans.
   Nothing here keeps state or decides anything; SluiceSystem gives these calls their Swift names. */
#pragma once
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* fcntl, open, prctl and ioctl are variadic: not importable. */
static inline int cs_fcntl(int fd, int cmd, long arg) { return fcntl(fd, cmd, arg); }
static inline int cs_prctl(int op, unsigned long arg) { return prctl(op, arg, 0ul, 0ul, 0ul); }
static inline int cs_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
/* SIG_IGN is a cast: not importable. */
static inline void cs_ignore_signal(int number) { signal(number, SIG_IGN); }
static inline int cs_ioctl_fionread(int fd) { int n = 0; return ioctl(fd, FIONREAD, &n) ? -1 : n; }

/* epoll_event is packed with a union: accessors keep Swift off the layout. */
enum { CS_EPOLLIN = EPOLLIN, CS_EPOLLOUT = EPOLLOUT, CS_EPOLLRDHUP = EPOLLRDHUP, CS_EPOLLHUP = EPOLLHUP, CS_EPOLLERR = EPOLLERR };
static const uint32_t CS_EPOLLET = 1u << 31;
static inline int cs_epoll_ctl(int ep, int op, int fd, uint32_t events, uint64_t data) {
  struct epoll_event e; e.events = events; e.data.u64 = data; return epoll_ctl(ep, op, fd, &e);
}
static inline uint32_t cs_event_bits(const struct epoll_event *e, int i) { return e[i].events; }
static inline uint64_t cs_event_data(const struct epoll_event *e, int i) { return e[i].data.u64; }

/* Declared here because the importer must not see _GNU_SOURCE (it changes other imported types). */
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int[2], int);
extern ssize_t splice(int, long *, int, long *, size_t, unsigned);
extern int memfd_create(const char *, unsigned);
extern int close_range(unsigned, unsigned, int);
extern char **environ;
enum { CS_SPLICE_MOVE = 1, CS_SPLICE_NONBLOCK = 2 };
static inline int cs_accept(int fd, void *addr, socklen_t *len) { return accept4(fd, (struct sockaddr *)addr, len, SOCK_NONBLOCK | SOCK_CLOEXEC); }
static inline ssize_t cs_splice(int in, int out, size_t n, unsigned flags) { return splice(in, 0, out, 0, n, flags); }
static inline int cs_close_from(unsigned first) { return close_range(first, ~0u, 0); }
static inline char **cs_environ(void) { return environ; }
enum { CS_MFD_CLOEXEC = 1, CS_MFD_ALLOW_SEALING = 2, CS_F_SETPIPE_SZ = 1031, CS_F_GETPIPE_SZ = 1032 };
enum { CS_F_ADD_SEALS = 1033, CS_F_GET_SEALS = 1034, CS_SEAL_ALL = 0xf /* seal|shrink|grow|write */ };
enum { CS_MSG_NOSIGNAL = MSG_NOSIGNAL, CS_MSG_PEEK = MSG_PEEK, CS_MSG_MORE = MSG_MORE };
enum { CS_MSG_DONTWAIT = MSG_DONTWAIT, CS_MSG_CMSG_CLOEXEC = 0x40000000 };
static inline int cs_is_mapped(const void *p) { return p != MAP_FAILED; } /* MAP_FAILED is a cast: not importable */
/* The processor's own counter: constant rate, a few nanoseconds to read. */
static inline uint64_t cs_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t t; __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t)); return t;
#endif
}
/* Orders what this process writes before what it writes after, for readers of shared memory, and the other way round. */
static inline void cs_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline int cs_errno(void) { return errno; }
enum { CS_EPOLL_CLOEXEC = EPOLL_CLOEXEC, CS_EFD_FLAGS = EFD_CLOEXEC | EFD_NONBLOCK };
enum { CS_SOCK_STREAM = SOCK_STREAM, CS_SOCK_SEQPACKET = SOCK_SEQPACKET, CS_SOCK_NONBLOCK = SOCK_NONBLOCK, CS_SOCK_CLOEXEC = SOCK_CLOEXEC };

/* Send and receive one datagram with up to 8 descriptors (CMSG macros are not importable).
   cs_recv_fds: *nfds in: room, out: received; descriptors arrive close-on-exec. */
ssize_t cs_send_fds(int sock, const void *p, size_t n, const int *fds, int nfds);
ssize_t cs_recv_fds(int sock, void *p, size_t n, int *fds, int *nfds);

/* A fiber: a stack of its own that the one thread enters and leaves. `work` runs on it and returns once; no C++ exception or
   longjmp may cross its first frame. Valid memory of `stack_bytes` lies at `stack`, page-aligned, before cs_fiber_start. */
typedef struct cs_fiber {
  void *sp, *caller;
  void *stack;
  size_t stack_bytes;
  void (*work)(struct cs_fiber *);
  uintptr_t finished;
  const void *caller_stack; /* for sanitizers, as caller_bytes and fake */
  size_t caller_bytes;
  void *fake;
} cs_fiber;
void cs_fiber_start(cs_fiber *f, void (*work)(cs_fiber *));
/* Runs the fiber until it leaves or finishes; `value` is what its cs_fiber_leave returns. Returns what it left with, 0 at its end. */
intptr_t cs_fiber_enter(cs_fiber *f, intptr_t value);
/* On the fiber: back to whoever entered it. */
intptr_t cs_fiber_leave(cs_fiber *f, intptr_t value);
/* Makes pages fault. 0 or -1 with errno. */
int cs_fiber_guard(void *page, size_t bytes);
enum { CS_MAP_STACK = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | 0x20000 /* MAP_STACK */ };
enum { CS_EPOLLONESHOT_BIT = 1 << 30 };

/* Vector scans, inlined into Swift by the importer. They read up to 15 bytes past the hit: callers keep 64 pad bytes. */
typedef unsigned char cs_v16 __attribute__((vector_size(16), aligned(1)));
typedef char cs_c16 __attribute__((vector_size(16)));
/* First byte at or after p that is a control (< 0x20) or DEL; the caller guarantees a NUL sentinel. */
static inline const uint8_t *cs_scan_ctl(const uint8_t *p) {
#if defined(__SSE2__)
  for (;; p += 16) {
    cs_v16 v = *(const cs_v16 *)p;
    int k = __builtin_ia32_pmovmskb128((cs_c16)((v < (unsigned char)0x20) | (v == (unsigned char)0x7f)));
    if (k) return p + __builtin_ctz((unsigned)k);
  }
#else
  for (;; p++) if (*p < 0x20 || *p == 0x7f) return p;
#endif
}

/* Bit i: byte i of the 16 at p is a control, above 0x7e, a quote or a backslash: it may not stand in a log as it is. Reads 16 bytes. */
static inline uint32_t cs_needs_care16(const uint8_t *p) {
#if defined(__SSE2__)
  cs_v16 v = *(const cs_v16 *)p;
  cs_c16 odd = (cs_c16)((v - (unsigned char)0x20 > (unsigned char)0x5e) | (v == (unsigned char)0x22) | (v == (unsigned char)0x5c));
  return (uint32_t)__builtin_ia32_pmovmskb128(odd);
#else
  uint32_t m = 0;
  for (int i = 0; i < 16; i++) m |= (uint32_t)((uint8_t)(p[i] - 0x20) > 0x5e || p[i] == 0x22 || p[i] == 0x5c) << i;
  return m;
#endif
}

/* First byte at or after p that ends a plain run of a request-target: SP, a control, DEL, a byte >= 0x80, '?' or '#'. Same sentinel and padding. */
static inline const uint8_t *cs_scan_target(const uint8_t *p) {
#if defined(__SSE2__)
  typedef signed char cs_s16 __attribute__((vector_size(16), aligned(1)));
  for (;; p += 16) {
    cs_v16 v = *(const cs_v16 *)p;
    cs_s16 mark = (cs_s16)(v == (unsigned char)0x7f) | (cs_s16)(v == (unsigned char)'?') | (cs_s16)(v == (unsigned char)'#');
    int k = __builtin_ia32_pmovmskb128((cs_c16)(((cs_s16)v < (signed char)0x21) | mark));
    if (k) return p + __builtin_ctz((unsigned)k);
  }
#else
  for (;; p++) if (*p < 0x21 || *p >= 0x7f || *p == '?' || *p == '#') return p;
#endif
}

/* First byte at or after p that is no letter, digit or '-': what nearly all field names are made of. Same sentinel and padding. */
static inline const uint8_t *cs_scan_name(const uint8_t *p) {
#if defined(__SSE2__)
  for (;; p += 16) {
    cs_v16 v = *(const cs_v16 *)p, letter = (v | (unsigned char)0x20) - (unsigned char)'a', digit = v - (unsigned char)'0';
    int k = __builtin_ia32_pmovmskb128((cs_c16)((letter < (unsigned char)26) | (digit < (unsigned char)10) | (v == (unsigned char)'-'))) ^ 0xffff;
    if (k) return p + __builtin_ctz((unsigned)k);
  }
#else
  for (;; p++) { uint8_t c = *p, l = (uint8_t)((c | 0x20) - 'a'), d = (uint8_t)(c - '0'); if (l >= 26 && d >= 10 && c != '-') return p; }
#endif
}

/* The compiler inside the Swift toolchain that made this program, as it writes itself into section .comment of what it makes:
   "clang version 21.0.0 (https://github.com/swiftlang/llvm-project.git 11673e66…)". */
static inline const char *cs_toolchain(void) {
#ifdef __clang_version__
  return "clang version " __clang_version__;
#else
  return "";
#endif
}
