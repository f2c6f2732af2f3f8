/* Counts heap allocations of a process from outside: preloaded, it keeps its counts in a shared file that is named after the
   process, MALLOC_COUNT_DIR/PID, so that a reader sees them without stopping it. counters.py reads the difference over many
   requests. glibc only: it calls the allocator's own names, so that nothing here allocates. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* allocations, frees; in this process's own memory until the file is mapped. */
static _Atomic uint64_t own[2];
static _Atomic uint64_t *counts = own;

static void open_counts(void) {
  const char *dir = getenv("MALLOC_COUNT_DIR");
  char path[512];
  if (!dir || snprintf(path, sizeof path, "%s/%d", dir, (int)getpid()) >= (int)sizeof path) return;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, 4096)) return;
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (p != MAP_FAILED) counts = p;
}

/* A fork without exec (nginx's workers) gets a file of its own. */
__attribute__((constructor)) static void start(void) {
  open_counts();
  pthread_atfork(NULL, NULL, open_counts);
}

static void allocated(void) { atomic_fetch_add_explicit(&counts[0], 1, memory_order_relaxed); }

void *malloc(size_t n) { allocated(); return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { allocated(); return __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { allocated(); return __libc_realloc(p, n); }
void *memalign(size_t align, size_t n) { allocated(); return __libc_memalign(align, n); }
void *aligned_alloc(size_t align, size_t n) { allocated(); return __libc_memalign(align, n); }
int posix_memalign(void **out, size_t align, size_t n) {
  allocated();
  void *p = __libc_memalign(align, n);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}
void free(void *p) {
  if (p) atomic_fetch_add_explicit(&counts[1], 1, memory_order_relaxed);
  __libc_free(p);
}
