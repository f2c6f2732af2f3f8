/* A plugin that waits in every way there is; the path says which. With -DFIBER its hooks run on fibers, else they are plain calls
   with tokens. What a hook finds wrong it logs as an error; the tests look for that. Long because every way is here. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef FIBER
#define CONCURRENCY "fiber"
#else
#define CONCURRENCY "suspend"
#endif

static const sluice_host *h;
static const sluice_request_v1 *requests;
static const sluice_request_edit_v1 *edits;
static const sluice_answer_v1 *answers;
static const sluice_io_v1 *io;
static const sluice_loop_v1 *loop;
static const sluice_suspend_v1 *suspends;
static const sluice_background_v1 *background;
static const sluice_http_client_v1 *client;
static const sluice_request_body_v1 *request_bodies;
static const sluice_content_v1 *contents;
static const sluice_balancer_v1 *balancers;
static int ticks, worker_number = -1;
static sluice_task ticker;

static void expect(int ok, const char *what, int line) {
  char text[200];
  if (!ok) h->log(h, SLUICE_LOG_ERROR, sluice_view_of(text, (uint64_t)snprintf(text, sizeof text, "%d: %s", line, what)));
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)
static void note(const char *what) { h->log(h, SLUICE_LOG_INFO, sluice_view_of(what, strlen(what))); }

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  h = host;
  requests = h->get_extension(h, SLUICE_REQUEST_1);
  edits = h->get_extension(h, SLUICE_REQUEST_EDIT_1);
  answers = h->get_extension(h, SLUICE_ANSWER_1);
  io = h->get_extension(h, SLUICE_IO_1);
  loop = h->get_extension(h, SLUICE_LOOP_1);
  suspends = h->get_extension(h, SLUICE_SUSPEND_1);
  background = h->get_extension(h, SLUICE_BACKGROUND_1);
  client = h->get_extension(h, SLUICE_HTTP_CLIENT_1);
  request_bodies = h->get_extension(h, SLUICE_REQUEST_BODY_1);
  balancers = h->get_extension(h, SLUICE_BALANCER_1);
  contents = h->get_extension(h, SLUICE_CONTENT_1);
  if (!balancers || !contents || !request_bodies) return SLUICE_EFAULT;
  return client && requests && edits && answers && io && loop && suspends && background ? SLUICE_OK : SLUICE_EFAULT;
}
static pthread_t thread;
static int has_thread;
static void destroy(void *state) {
  (void)state;
  if (has_thread) pthread_join(thread, NULL);
  note("destroyed");
}

static void count_tick(void *data, int32_t status) {
  (void)data;
  if (status == SLUICE_ECANCELED) note("tick cancelled"); else ticks++;
}
static int32_t worker_init(void *state, uint32_t worker) {
  (void)state;
  worker_number = (int)worker;
  EXPECT(loop->is_worker_thread(h) == 1 && io->may_park(h) == 0);
  return loop->start_timer(h, 5, 5, count_tick, NULL, &ticker);
}
static void worker_exit(void *state) { (void)state; note("exit"); }

static int32_t configure(void *state, sluice_view config, void **instance, sluice_error *error) {
  (void)state; (void)config; (void)instance; (void)error;
  return SLUICE_OK;
}

/* Timer callbacks that act for a hook. */
static sluice_token last_token;
static void resume_ok(void *data, int32_t status) {
  (void)status;
  EXPECT(suspends->resume(h, (sluice_token)(uintptr_t)data, SLUICE_CONTINUE) == SLUICE_OK);
}
static void resume_twice(void *data, int32_t status) {
  resume_ok(data, status);
  EXPECT(suspends->resume(h, (sluice_token)(uintptr_t)data, SLUICE_CONTINUE) == SLUICE_GONE);
}
static void resume_stale(void *data, int32_t status) {
  (void)status;
  EXPECT(suspends->resume(h, (sluice_token)(uintptr_t)data, SLUICE_CONTINUE) == SLUICE_GONE);
  note("stale");
}
static void write_byte(void *data, int32_t status) { (void)status; EXPECT(write((int)(intptr_t)data, "x", 1) == 1); }
static void close_fd(void *data, int32_t status) { (void)status; close((int)(intptr_t)data); }
static void *resume_from_thread(void *data) {
  usleep(5000);
  EXPECT(loop->is_worker_thread(h) == 0);
  EXPECT(loop->start_timer(h, 1, 0, resume_ok, data, NULL) == SLUICE_EPHASE);
  EXPECT(suspends->resume(h, (sluice_token)(uintptr_t)data, SLUICE_CONTINUE) == SLUICE_OK);
  return NULL;
}
static void posted(void *data, int32_t status) { note(status == SLUICE_OK ? (const char *)data : "job cancelled"); }
static void *post_from_thread(void *data) {
  EXPECT(loop->post(h, posted, data) == SLUICE_OK);
  return NULL;
}

static int32_t then(void *data, void *handle, int32_t status) {
  EXPECT(data == (void *)17);
  if (status == SLUICE_ECANCELED) { note("then cancelled"); return SLUICE_CONTINUE; }
  if (status == SLUICE_ETIMEDOUT) { note("then timed out"); return SLUICE_CONTINUE; }
  EXPECT(edits->set_header(handle, SLUICE_VIEW("x-then"), SLUICE_VIEW("1")) == SLUICE_OK);
  return answers->respond(handle, 418, SLUICE_VIEW("teapot\n"));
}

static int is_ok(sluice_view v) { return v.size == 2 && !memcmp(v.data, "ok", 2); }

static __attribute__((noinline)) int32_t deep(int levels) {
  volatile char waste[4096];
  memset((char *)waste, levels, sizeof waste);
  int32_t r = levels > 0 ? deep(levels - 1) : io->sleep(h, 1);
  return waste[100] == (char)levels ? r : SLUICE_EFAULT;
}
static __attribute__((noinline)) int overflow(int n) {
  volatile char waste[4096];
  waste[0] = (char)n;
  return overflow(n + 1) + waste[0];
}

static void nap_and_note(void *data) {
  EXPECT(io->may_park(h) == 1);
  int32_t r = io->sleep(h, 1);
  note(r == SLUICE_OK ? (const char *)data : "task cancelled");
}
static void sleep_long(void *data) {
  (void)data;
  if (io->sleep(h, 3600000) == SLUICE_ECANCELED && io->sleep(h, 3600000) == SLUICE_ECANCELED) note("long task cancelled");
}

/* Long because every path is one case, here and in with_token. */
static int32_t on_fiber(const char *p, sluice_request *r) {
  int pipes[2];
  if (!strcmp(p, "/sleep")) {
    int32_t s = io->sleep(h, 10);
    EXPECT(edits->set_header(r, SLUICE_VIEW("x-slept"), SLUICE_VIEW("1")) == SLUICE_OK);
    return s;
  }
  if (!strcmp(p, "/empty")) return SLUICE_CONTINUE;
  if (!strcmp(p, "/yield")) return io->sleep(h, 0);
  if (!strcmp(p, "/forever")) return io->sleep(h, 3600000);
  if (!strcmp(p, "/stubborn")) {
    for (int i = 0; i < 3; i++) EXPECT(io->sleep(h, 3600000) == SLUICE_ECANCELED);
    EXPECT(io->wait_fd(h, 0, SLUICE_READABLE, 1000) == SLUICE_ECANCELED);
    note("stubborn ended");
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/deep")) return deep(40);
  if (!strcmp(p, "/overflow")) return overflow(0);
  if (!strcmp(p, "/answer")) {
    int32_t s = io->sleep(h, 1);
    return s ? s : answers->respond(r, 403, SLUICE_VIEW("no\n"));
  }
  if (!strcmp(p, "/fail")) { io->sleep(h, 1); return SLUICE_EFAULT; }
  if (!strcmp(p, "/pipe")) {
    if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC)) return SLUICE_EFAULT;
    char byte;
    EXPECT(loop->start_timer(h, 10, 0, write_byte, (void *)(intptr_t)pipes[1], NULL) == SLUICE_OK);
    EXPECT(io->wait_fd(h, pipes[0], SLUICE_READABLE, 2000) == SLUICE_READABLE && read(pipes[0], &byte, 1) == 1);
    EXPECT(io->wait_fd(h, pipes[0], SLUICE_READABLE, 10) == SLUICE_ETIMEDOUT);
    EXPECT(io->wait_fd(h, pipes[1], SLUICE_WRITABLE | SLUICE_READABLE, 1000) == SLUICE_WRITABLE);
    close(pipes[1]);
    EXPECT(io->wait_fd(h, pipes[0], SLUICE_READABLE, 1000) == SLUICE_READABLE); /* a hang-up counts */
    close(pipes[0]);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/closed")) {
    if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC)) return SLUICE_EFAULT;
    int high = fcntl(pipes[0], F_DUPFD_CLOEXEC, 900); /* a number that no other thread of the tests gets once it is closed */
    close(pipes[0]);
    pipes[0] = high;
    EXPECT(loop->start_timer(h, 5, 0, close_fd, (void *)(intptr_t)pipes[0], NULL) == SLUICE_OK);
    EXPECT(io->wait_fd(h, pipes[0], SLUICE_READABLE, 40) == SLUICE_ETIMEDOUT);
    EXPECT(io->wait_fd(h, pipes[0], SLUICE_READABLE, 40) == SLUICE_EINVAL);
    close(pipes[1]);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/wrong")) {
    EXPECT(io->sleep(h, 3600001) == SLUICE_EINVAL && io->sleep(NULL, 1) == SLUICE_EINVAL);
    EXPECT(io->wait_fd(h, -1, SLUICE_READABLE, 1) == SLUICE_EINVAL && io->wait_fd(h, 9999, SLUICE_READABLE, 1) == SLUICE_EINVAL);
    EXPECT(io->wait_fd(h, 0, 0, 1) == SLUICE_EINVAL && io->wait_fd(h, 0, 2, 1) == SLUICE_EINVAL && io->wait_fd(h, 0, 1, 0) == SLUICE_EINVAL);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    EXPECT(io->wait_fd(h, file, SLUICE_READABLE, 1000) == SLUICE_EINVAL);
    close(file);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/pair")) {
    int s[2];
    static uint8_t big[1 << 20], got[4096];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s)) return SLUICE_EFAULT;
    EXPECT(io->send(h, s[0], sluice_view_of(big, sizeof big), 20) == SLUICE_ETIMEDOUT);
    EXPECT(io->receive(h, s[1], got, sizeof got, 1000) == sizeof got);
    close(s[0]);
    int32_t n;
    while ((n = io->receive(h, s[1], got, sizeof got, 1000)) > 0) {}
    EXPECT(n == 0);
    EXPECT(io->send(h, s[1], SLUICE_VIEW("x"), 1000) == SLUICE_EIO);
    close(s[1]);
    EXPECT(io->receive(h, s[1], got, sizeof got, 1000) == SLUICE_EINVAL);
    return SLUICE_CONTINUE;
  }
  if (!strncmp(p, "/http/", 6)) { /* the answer's status, body and first header come back as request headers */
    char text[32];
    sluice_header mine = {SLUICE_VIEW("X-Mine"), SLUICE_VIEW("1")};
    sluice_http_request q = {.size = sizeof q, .url = sluice_view_of(p + 6, strlen(p + 6)), .headers = &mine,
                             .header_count = 1, .timeout_ms = 300, .body_max = 4096};
    sluice_http_response a = {.size = sizeof a};
    int32_t s = client->request(h, &q, &a);
    if (s) return s;
    edits->set_header(r, SLUICE_VIEW("x-status"), sluice_view_of(text, (uint64_t)snprintf(text, sizeof text, "%u", a.status)));
    EXPECT(a.body.size <= 4096);
    EXPECT(edits->set_header(r, SLUICE_VIEW("x-body"), sluice_view_of(a.body.data, a.body.size < 100 ? a.body.size : 100)) == SLUICE_OK);
    EXPECT(a.header_count > 0 && edits->set_header(r, SLUICE_VIEW("x-first"), a.headers[0].value) == SLUICE_OK);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/badhttp")) {
    sluice_http_request q = {.size = sizeof q, .timeout_ms = 10};
    sluice_http_response a = {.size = sizeof a};
    const char *bad[] = {"", "https://a/",
                         "http://", "http://a b/", "http://127.0.0.1:0/", "http://127.0.0.1/a b", "ftp://a/", "http://[::1/", "http://u@a/"};
    for (int i = 0; i < 9; i++) { q.url = sluice_view_of(bad[i], strlen(bad[i])); EXPECT(client->request(h, &q, &a) == SLUICE_EINVAL); }
    sluice_header owned = {SLUICE_VIEW("Host"), SLUICE_VIEW("x")}, broken = {SLUICE_VIEW("A"), SLUICE_VIEW("x\r\nB: y")};
    q.url = SLUICE_VIEW("http://127.0.0.1:1/");
    q.header_count = 1;
    q.headers = &owned;
    EXPECT(client->request(h, &q, &a) == SLUICE_EINVAL);
    q.headers = &broken;
    EXPECT(client->request(h, &q, &a) == SLUICE_EINVAL && client->request(h, NULL, &a) == SLUICE_EINVAL);
    return SLUICE_CONTINUE;
  }
  if (!strncmp(p, "/connect/", 9)) {
    int fd = -1;
    int32_t s = io->connect(h, sluice_view_of(p + 9, strlen(p + 9)), 2000, &fd);
    EXPECT((s == SLUICE_OK) == (fd >= 0));
    if (s) return s;
    uint8_t got[8];
    EXPECT(io->send(h, fd, SLUICE_VIEW("ping"), 1000) == SLUICE_OK && io->receive(h, fd, got, sizeof got, 2000) == 4 && !memcmp(got, "pong", 4));
    close(fd);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/token")) { /* a token from a fiber too, with a wait in between */
    sluice_token t;
    EXPECT(suspends->prepare(r, 2000, &t) == SLUICE_OK);
    EXPECT(io->sleep(h, 1) == SLUICE_OK);
    EXPECT(loop->start_timer(h, 1, 0, resume_ok, (void *)(uintptr_t)t, NULL) == SLUICE_OK);
    return SLUICE_SUSPEND;
  }
  return SLUICE_EINVAL;
}

static void answered(void *data, int32_t status, const sluice_http_response *response) {
  EXPECT((status == SLUICE_OK) == (response != NULL));
  if (response) EXPECT(response->status == 200 && response->size == sizeof *response && is_ok(response->body));
  EXPECT(suspends->resume(h, (sluice_token)(uintptr_t)data, status) == SLUICE_OK);
}

/* Long: a case a path. */
static int32_t with_token(const char *p, sluice_request *r) {
  sluice_token t = 0;
  void *as_data = NULL;
  if (!strcmp(p, "/nothing")) return SLUICE_SUSPEND;
  if (!strcmp(p, "/io")) {
    EXPECT(io->may_park(h) == 0 && io->sleep(h, 1) == SLUICE_EAGAIN && io->wait_fd(h, 0, SLUICE_READABLE, 1) == SLUICE_EAGAIN);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/post")) {
    pthread_t poster;
    EXPECT(loop->post(h, posted, "posted here") == SLUICE_OK);
    pthread_create(&poster, NULL, post_from_thread, "posted there");
    pthread_join(poster, NULL);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/stop")) {
    EXPECT(ticks > 1 && loop->cancel(h, ticker) == SLUICE_OK && loop->cancel(h, ticker) == SLUICE_GONE);
    EXPECT(loop->now_ms(h) > 0 && loop->post(h, NULL, NULL) == SLUICE_EINVAL && loop->post(NULL, posted, NULL) == SLUICE_EINVAL);
    EXPECT(loop->watch(h, 0, 0, 0, posted, NULL, NULL) == SLUICE_EINVAL);
    ticks = 0;
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/stopped")) { EXPECT(ticks == 0); return SLUICE_CONTINUE; }
  if (!strcmp(p, "/tasks")) {
    sluice_task a;
    EXPECT(background->run(h, nap_and_note, "task ran", &a) == SLUICE_OK && a);
    EXPECT(background->run(h, sleep_long, NULL, &a) == SLUICE_OK);
    EXPECT(background->schedule(h, 1, 1, nap_and_note, "again", NULL) == SLUICE_OK);
    EXPECT(background->run(h, NULL, NULL, &a) == SLUICE_EINVAL);
    return SLUICE_CONTINUE;
  }
  if (!strcmp(p, "/watch")) { /* an endless watch and a long timer, ended at unload */
    static int pipes[2];
    if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC)) return SLUICE_EFAULT;
    EXPECT(loop->watch(h, pipes[0], SLUICE_READABLE, 0, posted, "watched", NULL) == SLUICE_OK);
    EXPECT(loop->watch(h, pipes[0], SLUICE_READABLE, 0, posted, "watched", NULL) == SLUICE_EINVAL);
    EXPECT(loop->start_timer(h, 3600000, 0, posted, "never", NULL) == SLUICE_OK);
    return SLUICE_CONTINUE;
  }
  if (!strncmp(p, "/start/", 7)) {
    sluice_http_request q = {.size = sizeof q, .url = sluice_view_of(p + 7, strlen(p + 7)), .timeout_ms = 300};
    sluice_http_response a = {.size = sizeof a};
    sluice_task task;
    EXPECT(client->request(h, &q, &a) == SLUICE_EAGAIN);
    EXPECT(suspends->prepare(r, 5000, &t) == SLUICE_OK && client->start(h, &q, answered, (void *)(uintptr_t)t, &task) == SLUICE_OK);
    EXPECT(client->start(h, &q, answered, NULL, &task) == SLUICE_OK && loop->cancel(h, task) == SLUICE_OK && loop->cancel(h, task) == SLUICE_GONE);
    return SLUICE_SUSPEND;
  }
  if (!strcmp(p, "/then")) {
    EXPECT(suspends->prepare_with(r, 2000, then, (void *)17, &t) == SLUICE_OK);
    last_token = t;
    EXPECT(loop->start_timer(h, 1, 0, resume_ok, (void *)(uintptr_t)t, NULL) == SLUICE_OK);
    return SLUICE_SUSPEND;
  }
  if (!strcmp(p, "/then-late")) { EXPECT(suspends->prepare_with(r, 10, then, (void *)17, &t) == SLUICE_OK); return SLUICE_SUSPEND; }
  if (!strcmp(p, "/then-long")) { EXPECT(suspends->prepare_with(r, 100000, then, (void *)17, &last_token) == SLUICE_OK); return SLUICE_SUSPEND; }
  if (!strcmp(p, "/last")) { EXPECT(suspends->resume(h, last_token, SLUICE_CONTINUE) == SLUICE_GONE); return SLUICE_CONTINUE; }
  if (!strcmp(p, "/body")) {
    int32_t s = request_bodies->gather(r);
    if (s != SLUICE_ECANCELED) return s;
    EXPECT(suspends->prepare(r, 10, &t) == SLUICE_ECANCELED);
    note("body cancelled");
    return s;
  }
  EXPECT(suspends->prepare(r, 0, &t) == SLUICE_EINVAL && suspends->prepare(NULL, 5, &t) == SLUICE_EINVAL);
  EXPECT(suspends->prepare(r, strcmp(p, "/late") ? 2000 : 10, &t) == SLUICE_OK && t);
  as_data = (void *)(uintptr_t)t;
  last_token = t;
  if (!strcmp(p, "/resume")) EXPECT(loop->start_timer(h, 1, 0, resume_ok, as_data, NULL) == SLUICE_OK);
  if (!strcmp(p, "/double")) EXPECT(loop->start_timer(h, 1, 0, resume_twice, as_data, NULL) == SLUICE_OK);
  if (!strcmp(p, "/early")) {
    EXPECT(suspends->resume(h, t, SLUICE_CONTINUE) == SLUICE_OK && suspends->resume(h, t, SLUICE_CONTINUE) == SLUICE_GONE);
  }
  if (!strcmp(p, "/thread")) {
    if (!has_thread++) pthread_create(&thread, NULL, resume_from_thread, as_data);
  }
  if (!strcmp(p, "/void")) {
    EXPECT(loop->start_timer(h, 1, 0, resume_stale, as_data, NULL) == SLUICE_OK);
    return SLUICE_CONTINUE;
  }
  return SLUICE_SUSPEND;
}

static int32_t run_hook(void *instance, sluice_request *r) {
  char path[300];
  sluice_view v;
  (void)instance; (void)is_ok;
  if (requests->attribute(r, SLUICE_ATTRIBUTE_PATH, &v) || v.size >= sizeof path) return SLUICE_EFAULT;
  memcpy(path, v.data, v.size);
  path[v.size] = 0;
#ifdef FIBER
  (void)with_token;
  return on_fiber(path, r);
#else
  (void)on_fiber;
  return with_token(path, r);
#endif
}
static int32_t log_hook(void *instance, sluice_exchange_log *x) {
  sluice_token t;
  (void)instance;
  EXPECT(io->may_park(h) == 0 && io->sleep(h, 1) == SLUICE_EAGAIN && suspends->prepare(x, 10, &t) == SLUICE_EPHASE);
  return SLUICE_CONTINUE;
}

/* Writes until the client takes no more; what it keeps meanwhile is its own to free. */
static int32_t content_hook(void *instance, sluice_content *c) {
  static uint8_t piece[32768];
  (void)instance;
  int *kept = contents->data(c);
  if (!kept) {
    kept = calloc(1, sizeof *kept);
    contents->set_data(c, kept);
    EXPECT(contents->start(c, 200, -1) == SLUICE_OK);
  }
  while (++*kept <= 64) {
    int32_t s = contents->write(c, sluice_view_of(piece, sizeof piece));
    if (s == SLUICE_EAGAIN) return SLUICE_SUSPEND;
    if (s == SLUICE_OK) continue;
    EXPECT(s == SLUICE_ECANCELED && contents->finish(c) == SLUICE_ECANCELED);
    note("content cancelled");
    free(kept);
    contents->set_data(c, NULL);
    return s;
  }
  free(kept);
  contents->set_data(c, NULL);
  return contents->finish(c);
}
static int32_t balance_hook(void *instance, sluice_balance *b) {
  (void)instance;
  return balancers->choose(b, 1);
}

static const void *get_extension(void *state, const char *id) {
  static sluice_filter_v1 f = {.size = sizeof f, .configure = configure, .access = run_hook, .log = log_hook, .content = content_hook,
                               .balancer = balance_hook};
  static sluice_worker_v1 w = {.size = sizeof w, .worker_init = worker_init, .worker_exit = worker_exit};
  (void)state;
  if (!strcmp(id, SLUICE_FILTER_1)) return &f;
#ifndef QUIET
  if (!strcmp(id, SLUICE_WORKER_1)) return &w;
#endif
  (void)w;
  return NULL;
}

SLUICE_PLUGIN(init, destroy, get_extension)
SLUICE_MANIFEST("{\"name\":\"waiting\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"phases\":[\"access\",\"log\",\"content\",\"balancer\"],"
                "\"concurrency\":\"" CONCURRENCY "\"}")
