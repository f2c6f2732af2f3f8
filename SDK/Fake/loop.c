/* Virtual time and what is under way: timers, watched descriptors, waits of fibers, tokens, HTTP exchanges, jobs from other threads. Nothing
   fires by itself: the test says fake_advance or fake_wait. Order: jobs, descriptors that are ready, then what is due, earliest first. */
#include "fake.h"
#include <poll.h>
#include <stdio.h>

fake_task *fake_task_new(fake_host *h, uint32_t kind, uint64_t *id) {
  for (uint32_t i = 0; i < FAKE_TASKS_MAX; i++) {
    fake_task *t = &h->tasks[i];
    if (t->kind != TASK_FREE) continue;
    uint32_t generation = t->generation + 1;
    memset(t, 0, sizeof *t);
    t->kind = kind;
    t->generation = generation;
    t->deadline = FAKE_NEVER;
    t->fd = -1;
    *id = (uint64_t)generation << 32 | (i + 1);
    return t;
  }
  return NULL;
}

fake_task *fake_task_find(fake_host *h, uint64_t id) {
  uint32_t slot = (uint32_t)id;
  if (!slot || slot > FAKE_TASKS_MAX) return NULL;
  fake_task *t = &h->tasks[slot - 1];
  return t->kind != TASK_FREE && t->generation == id >> 32 ? t : NULL;
}

void fake_task_free(fake_task *t) {
  t->kind = TASK_FREE;
  t->fiber = NULL;
}

uint64_t fake_after(fake_host *h, uint64_t ms) { return h->now + ms; }
uint64_t fake_now(const fake_host *h) { return h->now; }

uint32_t fake_pending(const fake_host *h) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < FAKE_TASKS_MAX; i++) n += h->tasks[i].kind != TASK_FREE;
  return n;
}

/* The hook of a token goes on with `status`; `ended`: SLUICE_ECANCELED or SLUICE_ETIMEDOUT instead of a resume. */
static void end_token(fake_host *h, fake_task *t, int32_t status) {
  fake_exchange *x = t->x;
  sluice_continuation then = t->then;
  void *data = t->data;
  fake_task_free(t);
  if (x->wait != WAIT_TOKEN) return;
  x->token = 0;
  x->asked = WAIT_NONE;
  if (then) {
    x->phase = x->parked_phase;
    h->current = x;
    status = then(data, x, status);
    h->current = NULL;
    x->phase = FAKE_NO_PHASE;
  }
  fake_ended(x, status);
}

/* Ends an HTTP exchange: what fake_serve said, or why not. */
static void end_http(fake_host *h, fake_task *t) {
  sluice_http_done done = t->done;
  void *data = t->data;
  int32_t status = t->status;
  sluice_http_response response = {.size = sizeof response};
  if (t->serve >= 0) {
    response.status = h->answers[t->serve].status;
    response.body = sluice_view_of(h->answers[t->serve].body, strlen(h->answers[t->serve].body));
  }
  fake_task_free(t);
  done(data, status, status == SLUICE_OK ? &response : NULL);
}

static void fire(fake_host *h, fake_task *t, int32_t status) {
  sluice_callback callback = t->callback;
  void *data = t->data;
  uint64_t id = (uint64_t)t->generation << 32 | (uint64_t)(t - h->tasks + 1);
  switch (t->kind) {
    case TASK_TIMER:
      if (t->every_ms) t->deadline += t->every_ms;
      else fake_task_free(t);
      callback(data, SLUICE_OK);
      break;
    case TASK_WATCH:
      fake_task_free(t);
      callback(data, status);
      break;
    case TASK_WAIT: fake_wake(t->fiber, status); break;
    case TASK_TOKEN: end_token(h, t, SLUICE_ETIMEDOUT); break;
    case TASK_HTTP: end_http(h, t); break;
    case TASK_WORK:
      t->deadline = FAKE_NEVER;
      fake_fiber_start(h, NULL, id, SLUICE_PHASE_BACKGROUND);
      break;
    default: break;
  }
}

static int run_jobs(fake_host *h) {
  pthread_mutex_lock(&h->lock);
  fake_job *job = h->jobs;
  h->jobs = NULL;
  pthread_mutex_unlock(&h->lock);
  int any = job != NULL;
  for (fake_job *next; job; job = next) {
    next = job->next;
    fake_task *t = job->token ? fake_task_find(h, job->token) : NULL;
    if (job->callback) job->callback(job->data, SLUICE_OK);
    else if (t && t->kind == TASK_TOKEN) end_token(h, t, job->status);
    free(job);
  }
  return any;
}

/* Asks the kernel, at most `ms`, and runs what is ready. */
static int run_descriptors(fake_host *h, int ms) {
  struct pollfd asked[FAKE_TASKS_MAX];
  uint64_t ids[FAKE_TASKS_MAX];
  nfds_t n = 0;
  for (uint32_t i = 0; i < FAKE_TASKS_MAX; i++) {
    fake_task *t = &h->tasks[i];
    if (t->kind == TASK_FREE || t->fd < 0) continue;
    ids[n] = (uint64_t)t->generation << 32 | (i + 1);
    asked[n++] = (struct pollfd){t->fd, (short)(((t->events & SLUICE_READABLE) ? POLLIN : 0) | ((t->events & SLUICE_WRITABLE) ? POLLOUT : 0)), 0};
  }
  if (n == 0 || poll(asked, n, ms) <= 0) return 0;
  for (nfds_t i = 0; i < n; i++) {
    fake_task *t = asked[i].revents ? fake_task_find(h, ids[i]) : NULL;
    if (!t) continue;
    int32_t readable = (asked[i].revents & (POLLIN | POLLHUP | POLLERR)) ? SLUICE_READABLE : 0;
    int32_t writable = (asked[i].revents & (POLLOUT | POLLERR)) ? SLUICE_WRITABLE : 0, bits = (readable | writable) & (int32_t)t->events;
    fire(h, t, bits ? bits : (int32_t)t->events); /* a hang-up or error counts as ready */
  }
  return 1;
}

void fake_advance(fake_host *h, uint64_t ms) {
  uint64_t end = h->now + ms;
  for (int steps = 0;; steps++) {
    if (steps > FAKE_STEPS_MAX) fputs("fake host: the plugin never comes to rest in fake_advance\n", stderr), abort();
    if (run_jobs(h) || run_descriptors(h, 0)) continue;
    fake_task *first = NULL;
    for (uint32_t i = 0; i < FAKE_TASKS_MAX; i++) {
      fake_task *t = &h->tasks[i];
      if (t->kind != TASK_FREE && t->deadline <= end && (!first || t->deadline < first->deadline)) first = t;
    }
    if (!first) break;
    if (first->deadline > h->now) h->now = first->deadline;
    fire(h, first, first->kind == TASK_WAIT && first->fd < 0 ? first->status : SLUICE_ETIMEDOUT);
  }
  h->now = end;
}

int fake_wait(fake_host *h, uint32_t ms) {
  int any = run_descriptors(h, (int)(ms > 600000 ? 600000 : ms));
  fake_advance(h, 0);
  return any;
}
