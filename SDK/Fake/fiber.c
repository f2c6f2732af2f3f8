/* Fibers of the fake host on ucontext: slow, and good enough for tests. A fiber runs until it waits (fake_park) or ends; only the test's own
   stack switches to it, so that nothing ever runs nested. */
#include "fake.h"

static void main_of(unsigned high, unsigned low) {
  fake_fiber *f = (fake_fiber *)((uintptr_t)high << 32 | low);
  if (f->x) {
    f->result = fake_call(f->x, f->phase);
  } else {
    fake_task *t = fake_task_find(f->host, f->owner);
    t->work(t->data);
  }
  f->is_done = 1; /* uc_link goes back to the test's stack */
}

/* Runs it to its next wait or its end; then what its end means. */
static void switch_to(fake_fiber *f) {
  fake_host *h = f->host;
  h->fiber = f;
  h->current = f->x;
  if (f->x) f->x->phase = f->phase;
  swapcontext(&h->main, &f->context);
  h->fiber = NULL;
  h->current = NULL;
  if (f->x) f->x->phase = FAKE_NO_PHASE;
  if (!f->is_done) return;
  if (f->x) {
    fake_exchange *x = f->x;
    int32_t raw = f->result;
    x->fiber = NULL;
    fake_fiber_free(f);
    fake_ended(x, raw);
    return;
  }
  fake_task *t = fake_task_find(h, f->owner);
  fake_fiber_free(f);
  t->fiber = NULL;
  if (t->every_ms) t->deadline = fake_after(h, t->every_ms);
  else fake_task_free(t);
}

void fake_fiber_start(fake_host *h, fake_exchange *x, uint64_t owner, uint32_t phase) {
  fake_fiber *f = fake_keep(calloc(1, sizeof *f));
  f->stack = fake_keep(malloc(FAKE_STACK));
  f->host = h;
  f->x = x;
  f->owner = owner;
  f->phase = phase;
  if (x) x->fiber = f;
  else fake_task_find(h, owner)->fiber = f;
  getcontext(&f->context);
  f->context.uc_stack.ss_sp = f->stack;
  f->context.uc_stack.ss_size = FAKE_STACK;
  f->context.uc_link = &h->main;
  makecontext(&f->context, (void (*)(void))main_of, 2, (unsigned)((uintptr_t)f >> 32), (unsigned)(uintptr_t)f);
  switch_to(f);
}

void fake_fiber_free(fake_fiber *f) {
  fake_task *wait = fake_task_find(f->host, f->wait);
  if (wait) fake_task_free(wait);
  free(f->stack);
  free(f);
}

void fake_wake(fake_fiber *f, int32_t status) {
  fake_task *wait = fake_task_find(f->host, f->wait);
  if (wait) fake_task_free(wait);
  f->wait = 0;
  f->status = status;
  switch_to(f);
}

int32_t fake_park(fake_host *h, uint64_t deadline, int32_t fd, uint32_t events) {
  fake_fiber *f = h->fiber;
  if (!f) return SLUICE_EAGAIN;
  if (f->is_cancelled) return SLUICE_ECANCELED;
  fake_task *t = fake_task_new(h, TASK_WAIT, &f->wait);
  if (!t) return SLUICE_ELIMIT;
  t->deadline = deadline;
  t->fd = fd;
  t->events = events;
  t->fiber = f;
  swapcontext(&f->context, &h->main);
  return f->status;
}
