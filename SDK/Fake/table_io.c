/* The tables for waiting: io, loop, suspend, background, http-client; and the list of every extension that the fake host has. Descriptors are
   real and asked by poll(2); time is virtual. */
#include "fake.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int is_time(uint32_t ms) { return ms >= 1 && ms <= 3600000; }

/* --- sluice.io/1 --- */

static int32_t io_sleep(const sluice_host *host, uint32_t ms) { return fake_park(fake_of(host), fake_after(fake_of(host), ms), -1, 0); }
static int32_t wait_fd(const sluice_host *host, int32_t fd, uint32_t events, uint32_t timeout_ms) {
  fake_host *h = fake_of(host);
  if (!is_time(timeout_ms) || !events || events & ~(uint32_t)(SLUICE_READABLE | SLUICE_WRITABLE) || fcntl(fd, F_GETFD) < 0) return SLUICE_EINVAL;
  return fake_park(h, fake_after(h, timeout_ms), fd, events);
}

/* The socket address of "1.2.3.4:80", "[::1]:80", "localhost:80", "unix:/path"; 0: none of these. */
static socklen_t parse(sluice_view address, struct sockaddr_storage *out) {
  char text[256], *colon;
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
  struct sockaddr_un *local = (struct sockaddr_un *)out;
  if (!fake_ok(address) || address.size >= sizeof text) return 0;
  snprintf(text, sizeof text, "%.*s", (int)address.size, (const char *)address.data);
  memset(out, 0, sizeof *out);
  if (!strncmp(text, "unix:", 5)) {
    local->sun_family = AF_UNIX;
    snprintf(local->sun_path, sizeof local->sun_path, "%.*s", (int)sizeof local->sun_path - 1, text + 5);
    return sizeof *local;
  }
  if (!(colon = strrchr(text, ':')) || colon == text) return 0;
  *colon = 0;
  uint16_t port = htons((uint16_t)atoi(colon + 1));
  if (text[0] == '[' && colon[-1] == ']') {
    colon[-1] = 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = port;
    return inet_pton(AF_INET6, text + 1, &six->sin6_addr) == 1 ? sizeof *six : 0;
  }
  four->sin_family = AF_INET;
  four->sin_port = port;
  return inet_pton(AF_INET, strcmp(text, "localhost") ? text : "127.0.0.1", &four->sin_addr) == 1 ? sizeof *four : 0;
}

static int32_t io_connect(const sluice_host *host, sluice_view address, uint32_t timeout_ms, int32_t *fd) {
  struct sockaddr_storage to;
  socklen_t size = parse(address, &to);
  if (!fake_of(host)->fiber) return SLUICE_EAGAIN;
  if (!is_time(timeout_ms) || !fd || !size) return SLUICE_EINVAL;
  int s = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failure = 0;
  socklen_t room = sizeof failure;
  int32_t status = s < 0 ? SLUICE_EIO : SLUICE_OK;
  if (status == SLUICE_OK && connect(s, (struct sockaddr *)&to, size) < 0) {
    status = errno == EINPROGRESS ? wait_fd(host, s, SLUICE_WRITABLE, timeout_ms) : SLUICE_EIO;
    if (status > 0) status = getsockopt(s, SOL_SOCKET, SO_ERROR, &failure, &room) < 0 || failure ? SLUICE_EIO : SLUICE_OK;
  }
  if (status < 0 && s >= 0) close(s);
  if (status == SLUICE_OK) *fd = s;
  return status;
}

static int32_t io_send(const sluice_host *host, int32_t fd, sluice_view bytes, uint32_t timeout_ms) {
  uint64_t done = 0;
  if (!fake_of(host)->fiber) return SLUICE_EAGAIN;
  if (!is_time(timeout_ms) || !fake_ok(bytes)) return SLUICE_EINVAL;
  while (done < bytes.size) {
    ssize_t n = send(fd, bytes.data + done, bytes.size - done, MSG_NOSIGNAL);
    if (n > 0) { done += (uint64_t)n; continue; }
    if (n < 0 && errno != EAGAIN && errno != EINTR) return SLUICE_EIO;
    int32_t status = wait_fd(host, fd, SLUICE_WRITABLE, timeout_ms);
    if (status < 0) return status;
  }
  return SLUICE_OK;
}

static int32_t io_receive(const sluice_host *host, int32_t fd, uint8_t *bytes, uint32_t room, uint32_t timeout_ms) {
  if (!fake_of(host)->fiber) return SLUICE_EAGAIN;
  if (!is_time(timeout_ms) || !bytes || !room || room > INT32_MAX) return SLUICE_EINVAL;
  for (;;) {
    ssize_t n = recv(fd, bytes, room, 0);
    if (n >= 0) return (int32_t)n;
    if (errno != EAGAIN && errno != EINTR) return SLUICE_EIO;
    int32_t status = wait_fd(host, fd, SLUICE_READABLE, timeout_ms);
    if (status < 0) return status;
  }
}
static uint32_t may_park(const sluice_host *host) { return fake_of(host)->fiber != NULL; }
static const sluice_io_v1 io_table = {sizeof(sluice_io_v1), 0, io_sleep, wait_fd, io_connect, io_send, io_receive, may_park};

/* --- sluice.loop/1 --- */

static uint32_t is_worker_thread(const sluice_host *host) { return pthread_equal(pthread_self(), fake_of(host)->thread) != 0; }

static int32_t push(fake_host *h, fake_job fresh) {
  fake_job *job = fake_keep(malloc(sizeof *job)), **at = &h->jobs;
  *job = fresh;
  pthread_mutex_lock(&h->lock);
  while (*at) at = &(*at)->next;
  *at = job;
  pthread_mutex_unlock(&h->lock);
  return SLUICE_OK;
}
static int32_t post(const sluice_host *host, sluice_callback callback, void *data) {
  return callback ? push(fake_of(host), (fake_job){NULL, callback, data, 0, 0}) : SLUICE_EINVAL;
}
static int32_t start_timer(const sluice_host *host, uint32_t after_ms, uint32_t every_ms, sluice_callback callback, void *data,
                           sluice_task *task) {
  fake_host *h = fake_of(host);
  uint64_t id;
  if (!callback || after_ms > INT32_MAX || every_ms > INT32_MAX) return SLUICE_EINVAL;
  fake_task *t = fake_task_new(h, TASK_TIMER, &id);
  if (!t) return SLUICE_ELIMIT;
  t->deadline = fake_after(h, after_ms);
  t->every_ms = every_ms;
  t->callback = callback;
  t->data = data;
  if (task) *task = id;
  return SLUICE_OK;
}
static int32_t watch(const sluice_host *host, int32_t fd, uint32_t events, uint32_t timeout_ms, sluice_callback callback, void *data,
                     sluice_task *task) {
  fake_host *h = fake_of(host);
  uint64_t id;
  if (!callback || !events || events & ~(uint32_t)(SLUICE_READABLE | SLUICE_WRITABLE) || fcntl(fd, F_GETFD) < 0) return SLUICE_EINVAL;
  fake_task *t = fake_task_new(h, TASK_WATCH, &id);
  if (!t) return SLUICE_ELIMIT;
  t->fd = fd;
  t->events = events;
  if (timeout_ms) t->deadline = fake_after(h, timeout_ms);
  t->callback = callback;
  t->data = data;
  if (task) *task = id;
  return SLUICE_OK;
}
static int32_t cancel(const sluice_host *host, sluice_task id) {
  fake_task *t = fake_task_find(fake_of(host), id);
  if (!t || t->kind == TASK_WAIT || t->kind == TASK_TOKEN) return SLUICE_GONE;
  t->every_ms = 0;
  if (!t->fiber) return fake_task_free(t), SLUICE_OK;
  if (t->fiber == fake_of(host)->fiber) return SLUICE_OK; /* it ends when it returns */
  t->fiber->is_cancelled = 1;
  fake_task *wait = fake_task_find(fake_of(host), t->fiber->wait); /* woken in the next turn, never from inside a hook */
  if (wait) wait->deadline = fake_now(fake_of(host)), wait->fd = -1, wait->status = SLUICE_ECANCELED;
  return SLUICE_OK;
}
static uint64_t now_ms(const sluice_host *host) { return fake_now(fake_of(host)); }
static const sluice_loop_v1 loop_table = {sizeof(sluice_loop_v1), 0, is_worker_thread, post, start_timer, watch, cancel, now_ms};

/* --- sluice.suspend/1 --- */

static int32_t prepare_with(void *handle, uint32_t timeout_ms, sluice_continuation then, void *data, sluice_token *token) {
  fake_exchange *x = fake_x(handle);
  if (!x || !token || !is_time(timeout_ms)) return SLUICE_EINVAL;
  if (x->phase > SLUICE_PHASE_BODY_FILTER && x->phase != SLUICE_PHASE_CONTENT) return x->host->misuse++, SLUICE_EPHASE;
  fake_task *old = fake_task_find(x->host, x->token);
  if (old) fake_task_free(old);
  fake_task *t = fake_task_new(x->host, TASK_TOKEN, &x->token);
  if (!t) return SLUICE_ELIMIT;
  t->deadline = fake_after(x->host, timeout_ms);
  t->then = then;
  t->data = data;
  t->x = x;
  x->asked = WAIT_TOKEN;
  *token = x->token;
  return SLUICE_OK;
}
static int32_t prepare(void *handle, uint32_t timeout_ms, sluice_token *token) { return prepare_with(handle, timeout_ms, NULL, NULL, token); }
static int32_t resume(const sluice_host *host, sluice_token token, int32_t status) {
  fake_host *h = fake_of(host);
  if (is_worker_thread(host)) { /* elsewhere the worker finds out later */
    fake_task *t = fake_task_find(h, token);
    if (!t || t->kind != TASK_TOKEN || t->is_resumed) return SLUICE_GONE;
    t->is_resumed = 1;
  }
  return push(h, (fake_job){NULL, NULL, NULL, token, status});
}
static const sluice_suspend_v1 suspend_table = {sizeof(sluice_suspend_v1), 0, prepare, prepare_with, resume};

/* --- sluice.background/1 --- */

static int32_t schedule(const sluice_host *host, uint32_t after_ms, uint32_t every_ms, sluice_work work, void *data, sluice_task *task) {
  fake_host *h = fake_of(host);
  uint64_t id;
  if (!work || after_ms > INT32_MAX || every_ms > INT32_MAX) return SLUICE_EINVAL;
  fake_task *t = fake_task_new(h, TASK_WORK, &id);
  if (!t) return SLUICE_ELIMIT;
  t->deadline = fake_after(h, after_ms);
  t->every_ms = every_ms;
  t->work = work;
  t->data = data;
  if (task) *task = id;
  return SLUICE_OK;
}
static int32_t run(const sluice_host *host, sluice_work work, void *data, sluice_task *task) { return schedule(host, 0, 0, work, data, task); }
static const sluice_background_v1 background_table = {sizeof(sluice_background_v1), 0, run, schedule};

/* --- sluice.http-client/1 --- */

/* Which of fake_serve's answers it is, when it comes and with which status; SLUICE_EINVAL: malformed. */
static int32_t ask(fake_host *h, const sluice_http_request *r, int *serve, uint64_t *deadline, int32_t *status) {
  if (!r || r->size < sizeof *r || !fake_ok(r->url) || !is_time(r->timeout_ms) || r->header_count > 64 || r->url.size > 8192) return SLUICE_EINVAL;
  if (r->url.size < 8 || memcmp(r->url.data, "http://", 7)) return SLUICE_EINVAL;
  h->served++;
  *serve = -1;
  *status = SLUICE_EIO;
  *deadline = h->now;
  for (int i = (int)h->answer_count - 1; i >= 0 && *serve < 0; i--) {
    size_t n = strlen(h->answers[i].url);
    if (n <= r->url.size && !memcmp(h->answers[i].url, r->url.data, n)) *serve = i;
  }
  if (*serve < 0) return SLUICE_OK;
  const fake_served_answer *a = &h->answers[*serve];
  uint32_t most = r->body_max ? r->body_max : 1 << 20;
  *status = a->after_ms >= r->timeout_ms ? SLUICE_ETIMEDOUT : !a->status ? SLUICE_EIO : strlen(a->body) > most ? SLUICE_ELIMIT : SLUICE_OK;
  *deadline = fake_after(h, *status == SLUICE_ETIMEDOUT ? r->timeout_ms : a->after_ms);
  return SLUICE_OK;
}
static int32_t http_request(const sluice_host *host, const sluice_http_request *request, sluice_http_response *response) {
  fake_host *h = fake_of(host);
  int serve;
  uint64_t deadline;
  int32_t status;
  if (!h->fiber) return SLUICE_EAGAIN;
  if (!response || response->size < sizeof *response || ask(h, request, &serve, &deadline, &status) < 0) return SLUICE_EINVAL;
  int32_t waited = fake_park(h, deadline, -1, 0);
  if (waited < 0 || status < 0) return waited < 0 ? waited : status;
  *response = (sluice_http_response){response->size, h->answers[serve].status, NULL, 0, 0,
                                     sluice_view_of(h->answers[serve].body, strlen(h->answers[serve].body))};
  return SLUICE_OK;
}
static int32_t http_start(const sluice_host *host, const sluice_http_request *request, sluice_http_done done, void *data, sluice_task *task) {
  fake_host *h = fake_of(host);
  uint64_t deadline, id;
  int32_t status;
  int serve;
  if (!done || ask(h, request, &serve, &deadline, &status) < 0) return SLUICE_EINVAL;
  fake_task *t = fake_task_new(h, TASK_HTTP, &id);
  if (!t) return SLUICE_ELIMIT;
  t->deadline = deadline;
  t->status = status;
  t->serve = serve;
  t->done = done;
  t->data = data;
  if (task) *task = id;
  return SLUICE_OK;
}
static const sluice_http_client_v1 http_table = {sizeof(sluice_http_client_v1), 0, http_request, http_start};

extern const sluice_request_v1 fake_request_table;
extern const sluice_request_edit_v1 fake_request_edit_table;
extern const sluice_header_batch_v1 fake_header_batch_table;
extern const sluice_answer_v1 fake_answer_table;
extern const sluice_memory_v1 fake_memory_table;
extern const sluice_cluster_v1 fake_cluster_table;
extern const sluice_request_body_v1 fake_request_body_table;
extern const sluice_response_v1 fake_response_table;
extern const sluice_body_v1 fake_body_table;
extern const sluice_exchange_log_v1 fake_exchange_log_table;
extern const sluice_content_v1 fake_content_table;
extern const sluice_balancer_v1 fake_balancer_table;
extern const sluice_variables_v1 fake_variables_table;
extern const sluice_metrics_v1 fake_metrics_table;

const struct fake_extension fake_extensions[] = {
    {SLUICE_REQUEST_1, &fake_request_table}, {SLUICE_REQUEST_EDIT_1, &fake_request_edit_table},
    {SLUICE_HEADER_BATCH_1, &fake_header_batch_table}, {SLUICE_ANSWER_1, &fake_answer_table}, {SLUICE_MEMORY_1, &fake_memory_table},
    {SLUICE_CLUSTER_1, &fake_cluster_table}, {SLUICE_REQUEST_BODY_1, &fake_request_body_table}, {SLUICE_RESPONSE_1, &fake_response_table},
    {SLUICE_BODY_1, &fake_body_table}, {SLUICE_EXCHANGE_LOG_1, &fake_exchange_log_table}, {SLUICE_CONTENT_1, &fake_content_table},
    {SLUICE_BALANCER_1, &fake_balancer_table}, {SLUICE_IO_1, &io_table}, {SLUICE_LOOP_1, &loop_table}, {SLUICE_SUSPEND_1, &suspend_table},
    {SLUICE_BACKGROUND_1, &background_table}, {SLUICE_HTTP_CLIENT_1, &http_table},
    {SLUICE_VARIABLES_1, &fake_variables_table}, {SLUICE_METRICS_1, &fake_metrics_table},
#ifdef FAKE_HAS_CRYPTO
    {SLUICE_CRYPTO_1, &sluice_fake_crypto},
#endif
    {NULL, NULL}};
