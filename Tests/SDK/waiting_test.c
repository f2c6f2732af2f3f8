/* Every way to wait on the fake host, by waiting_plugin.c linked in: virtual time, tokens, continuations, threads, timers, watches, bodies
   that come later, clients that take nothing, fibers, cancelling. Built with and without -DFIBER. */
#include <sluice/fake_host.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const sluice_plugin_entry sluice_plugin_v1;
extern char waiting_trace[512];
extern int waiting_fds[2];
extern sluice_token waiting_token;
extern sluice_task waiting_task;
static int failures;
static fake_host *h;
static const sluice_suspend_v1 *suspend;
static const sluice_loop_v1 *loop;
#define CHECK(condition) \
  ((condition) ? (void)0 : (void)(failures++, fprintf(stderr, "%s:%d: %s; trace \"%s\"\n", __FILE__, __LINE__, #condition, waiting_trace)))

static fake_exchange *begin(const char *path, int32_t expected) {
  fake_exchange *x = fake_request(h, "GET", path);
  waiting_trace[0] = 0;
  int32_t got = fake_run(x, SLUICE_PHASE_ACCESS);
  if (got != expected) failures++, fprintf(stderr, "%s: access returned %d, not %d\n", path, got, expected);
  return x;
}
static int traced(const char *text) { return strstr(waiting_trace, text) != NULL; }

static void tokens(void) {
  fake_exchange *x = begin("/token", SLUICE_SUSPEND);
  CHECK(fake_parked(x) && fake_run(x, SLUICE_PHASE_ACCESS) == SLUICE_EINVAL);
  const sluice_host *host = (const sluice_host *)h;
  CHECK(suspend->resume(host, waiting_token, SLUICE_EFAULT) == SLUICE_OK && suspend->resume(host, waiting_token, 0) == SLUICE_GONE && fake_parked(x));
  fake_advance(h, 0);
  CHECK(!fake_parked(x) && fake_result(x) == SLUICE_EFAULT && suspend->resume(host, waiting_token, 0) == SLUICE_GONE);
  fake_end(x);

  x = begin("/token", SLUICE_SUSPEND);
  fake_advance(h, 99);
  CHECK(fake_parked(x));
  fake_advance(h, 1);
  CHECK(!fake_parked(x) && fake_result(x) == SLUICE_ETIMEDOUT);
  fake_end(x);

  x = begin("/then", SLUICE_SUSPEND);
  suspend->resume(host, waiting_token, 0);
  fake_advance(h, 0);
  CHECK(fake_result(x) == SLUICE_ANSWERED && fake_answer_status(x) == 418 && !strcmp(fake_header(x, "x-then"), "1"));
  fake_end(x);

  x = begin("/twice", SLUICE_SUSPEND);
  sluice_token first = waiting_token;
  suspend->resume(host, first, 0);
  fake_advance(h, 0);
  CHECK(fake_parked(x) && waiting_token != first && suspend->resume(host, first, 0) == SLUICE_GONE);
  fake_advance(h, 50);
  CHECK(!fake_parked(x) && fake_result(x) == SLUICE_ETIMEDOUT && traced("then-9"));
  fake_end(x);

  x = begin("/then", SLUICE_SUSPEND);
  fake_cancel(x);
  CHECK(!fake_parked(x) && fake_result(x) == SLUICE_ECANCELED && traced("then-6") && suspend->resume(host, waiting_token, 0) == SLUICE_GONE);
  fake_end(x);

  const char *soon[] = {"/early", "/thread"};
  for (int i = 0; i < 2; i++) {
    x = begin(soon[i], SLUICE_SUSPEND);
    fake_advance(h, 0);
    CHECK(!fake_parked(x) && fake_result(x) == SLUICE_CONTINUE && (i || (traced("first0") && traced("second-7"))));
    fake_end(x);
  }
  fake_end(begin("/bare", SLUICE_EINVAL));
  CHECK(fake_pending(h) == 0);
}

static void loops(void) {
  const sluice_host *host = (const sluice_host *)h;
  fake_end(begin("/timer", 0));
  fake_advance(h, 9);
  CHECK(!traced("timer"));
  fake_advance(h, 61);
  CHECK(traced("timer0 timer0 timer0 ") && !traced("timer0 timer0 timer0 timer0"));
  CHECK(loop->cancel(host, waiting_task) == SLUICE_OK && loop->cancel(host, waiting_task) == SLUICE_GONE);

  CHECK(pipe(waiting_fds) == 0);
  fake_end(begin("/watch", 0));
  fake_advance(h, 100);
  CHECK(!traced("watch"));
  CHECK(write(waiting_fds[1], "x", 1) == 1 && fake_wait(h, 1000) == 1 && traced("watch1 "));
  CHECK(fake_wait(h, 0) == 0);
  fake_end(begin("/watch", 0));
  CHECK(fake_wait(h, 0) == 1 && traced("watch1 ")); /* still readable */
  char c;
  CHECK(read(waiting_fds[0], &c, 1) == 1);
  fake_end(begin("/watch", 0));
  fake_advance(h, 200);
  CHECK(traced("watch-9 "));
  close(waiting_fds[0]), close(waiting_fds[1]);

  fake_end(begin("/start", 0));
  fake_advance(h, 30);
  CHECK(traced("http200"));
  fake_end(begin("/again", 0));
  fake_advance(h, 24);
  CHECK(!traced("work") && fake_pending(h) == 2);
  fake_advance(h, 1);
  CHECK(traced("work0 ") && fake_pending(h) == 1);
  fake_advance(h, 60);
  CHECK(traced("work0 work0 "));
  fake_advance(h, 41); /* waits again */
  CHECK(loop->cancel(host, waiting_task) == SLUICE_OK);
  fake_advance(h, 0);
  CHECK(traced("work-6") && fake_pending(h) == 0);
}

static void bodies(int on_fiber) {
  uint64_t size;
  fake_exchange *x = fake_request(h, "POST", "/body");
  waiting_trace[0] = 0;
  fake_set_body(x, "old body", 8);
  CHECK(fake_run(x, SLUICE_PHASE_ACCESS) == 0 && !strcmp((const char *)fake_body(x, &size), "new") && size == 3);
  fake_end(x);
  x = fake_request(h, "POST", "/body");
  fake_set_body(x, "old body", 8);
  fake_hold_body(x);
  CHECK(fake_run(x, SLUICE_PHASE_ACCESS) == SLUICE_SUSPEND && !strcmp((const char *)fake_body(x, NULL), "old body"));
  fake_deliver_body(x);
  CHECK(!fake_parked(x) && fake_result(x) == 0 && !strcmp((const char *)fake_body(x, NULL), "new"));
  fake_end(x);

  x = fake_request(h, "GET", "/");
  waiting_trace[0] = 0;
  CHECK(fake_run(x, SLUICE_PHASE_CONTENT) == SLUICE_ANSWERED && fake_answer_status(x) == 200 && traced("late-3"));
  fake_answer_body(x, &size);
  CHECK(size == 160000 && !strcmp(fake_answer_header(x, "X-Made"), "here"));
  fake_end(x);
  x = fake_request(h, "GET", "/");
  fake_block_client(x);
  CHECK(fake_run(x, SLUICE_PHASE_CONTENT) == SLUICE_SUSPEND);
  fake_answer_body(x, &size);
  CHECK(size == 80000);
  fake_take(x);
  CHECK(fake_parked(x));
  fake_take(x);
  CHECK(!fake_parked(x) && fake_result(x) == SLUICE_ANSWERED);
  fake_answer_body(x, &size);
  CHECK(size == 160000);
  fake_end(x);
  x = fake_request(h, "GET", "/");
  waiting_trace[0] = 0;
  fake_block_client(x);
  CHECK(fake_run(x, SLUICE_PHASE_CONTENT) == SLUICE_SUSPEND);
  fake_cancel(x);
  CHECK(fake_result(x) == SLUICE_ECANCELED && traced("wrote-6") == on_fiber);
  fake_end(x);
}

static void routing(void) {
  fake_exchange *x = fake_request(h, "GET", "/");
  waiting_trace[0] = 0;
  uint64_t before = fake_misuse(h);
  CHECK(fake_run(x, SLUICE_PHASE_ROUTING) == SLUICE_EFAULT && traced("edit-3 ") && traced("late-number-3 ") && fake_misuse(h) == before + 2);
  CHECK(!strcmp(fake_variable(x, "waiting.tier"), "gold") && !fake_variable(x, "other"));
  CHECK(fake_metric(h, "routed_total") == 2 && fake_metric(h, "sizes") == 1 && isnan(fake_metric(h, "other")));
  fake_add_cluster(h, "blue");
  CHECK(fake_run(x, SLUICE_PHASE_ROUTING) == 0 && !strcmp(fake_cluster(x), "blue"));
  fake_add_target(h, "10.0.0.1:80", 1), fake_add_target(h, "10.0.0.2:80", 5), fake_add_target(h, "10.0.0.3:80", 3);
  CHECK(fake_run(x, SLUICE_PHASE_BALANCER) == 0 && fake_target(x) == 1);
  CHECK(fake_request_phases(x) == SLUICE_ANSWERED);
}

#ifdef FIBER
static void fibers(void) {
  fake_exchange *x = begin("/sleep", SLUICE_SUSPEND), *y = begin("/sleep", SLUICE_SUSPEND);
  CHECK(traced("may_park1"));
  fake_advance(h, 99);
  CHECK(fake_parked(x) && fake_parked(y));
  fake_cancel(y);
  CHECK(fake_result(y) == SLUICE_ECANCELED);
  fake_advance(h, 1);
  CHECK(!fake_parked(x) && fake_result(x) == 0);
  fake_end(x), fake_end(y);

  CHECK(pipe(waiting_fds) == 0);
  x = begin("/http", SLUICE_SUSPEND);
  fake_advance(h, 30);
  CHECK(!fake_parked(x) && fake_result(x) == 0 && !strcmp(fake_header(x, "X-Auth"), "yes"));
  fake_end(x);
  fake_serve(h, "http://auth/", 403, "no", 0);
  x = begin("/http", SLUICE_SUSPEND);
  fake_advance(h, 0);
  CHECK(fake_result(x) == SLUICE_ANSWERED && fake_answer_status(x) == 403);
  fake_end(x);
  fake_serve(h, "http://auth/", 200, "late", 900);
  x = begin("/http", SLUICE_SUSPEND);
  fake_advance(h, 500);
  CHECK(fake_result(x) == SLUICE_ETIMEDOUT);
  fake_end(x);
  close(waiting_fds[0]), close(waiting_fds[1]);
  x = begin("/sleep", SLUICE_SUSPEND); /* left parked: closing ends it */
}
#endif

int main(void) {
  h = fake_open(&sluice_plugin_v1);
  if (!h) return fprintf(stderr, "%s\n", fake_problem()), 1;
  const sluice_host *host = (const sluice_host *)h;
  suspend = host->get_extension(host, SLUICE_SUSPEND_1);
  loop = host->get_extension(host, SLUICE_LOOP_1);
  CHECK(!strcmp(waiting_trace, "again0 conflict-1 name-1 amount-1 worker0 ") && !host->get_extension(host, "sluice.dictionary/1"));
  fake_serve(h, "http://auth/", 200, "yes", 30);
#ifdef FIBER
  tokens(), loops(), bodies(1), routing(), fibers();
#else
  tokens(), loops(), bodies(0), routing();
  fake_exchange *x = begin("/sleep", SLUICE_EAGAIN);
  CHECK(traced("may_park0"));
  fake_end(x);
#endif
  fake_end(begin("/timer", 0));
  CHECK(fake_close(h) == 1 && strstr(fake_problem(), "timer") && traced("exit"));
  if (!failures) puts("waiting: good");
  return failures != 0;
}
