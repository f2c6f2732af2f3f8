/* A plugin that waits in every way there is, chosen by the path of the request; waiting_test.c runs it on the fake host, linked in. With
   -DFIBER its hooks run on fibers. It keeps a trace of what happened in `waiting_trace`. */
#include <pthread.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char waiting_trace[512];
int waiting_fds[2];
sluice_token waiting_token;
sluice_task waiting_task;
static const sluice_host *host;
static const sluice_request_v1 *requests;
static const sluice_request_edit_v1 *edits;
static const sluice_answer_v1 *answers;
static const sluice_request_body_v1 *bodies;
static const sluice_content_v1 *contents;
static const sluice_suspend_v1 *suspend;
static const sluice_loop_v1 *loop;
static const sluice_io_v1 *io;
static const sluice_background_v1 *background;
static const sluice_http_client_v1 *http;
static const sluice_cluster_v1 *clusters;
static const sluice_balancer_v1 *balancers;
static const sluice_variables_v1 *variables;
static const sluice_metrics_v1 *metrics;
static int32_t tier, routed, sizes;

static void trace(const char *what, int32_t status) {
  size_t n = strlen(waiting_trace);
  snprintf(waiting_trace + n, sizeof waiting_trace - n, "%s%d ", what, status);
}
static void on_timer(void *data, int32_t status) { trace(data, status); }
static void on_http(void *data, int32_t status, const sluice_http_response *response) {
  (void)data;
  trace("http", status ? status : (int32_t)response->status);
}
static void work(void *data) {
  (void)data;
  trace("work", io->sleep(host, 20));
}
static int32_t go_on(void *data, void *handle, int32_t status) {
  trace("then", status);
  if (status < 0) return status;
  edits->set_header(handle, SLUICE_VIEW("X-Then"), SLUICE_VIEW("1"));
  if (data) return suspend->prepare_with(handle, 50, go_on, NULL, &waiting_token), SLUICE_SUSPEND;
  return answers->respond(handle, 418, SLUICE_VIEW(""));
}
static void *elsewhere(void *data) {
  suspend->resume(host, *(sluice_token *)data, SLUICE_CONTINUE);
  return NULL;
}

static int32_t on_a_fiber(sluice_request *r, const char *how) {
  if (!strcmp(how, "/sleep")) return io->sleep(host, 100);
  if (!strcmp(how, "/fd")) {
    char c[8];
    int32_t n = io->receive(host, waiting_fds[0], (uint8_t *)c, 8, 1000);
    trace("received", n);
    return n < 0 ? n : SLUICE_CONTINUE;
  }
  if (!strcmp(how, "/http")) {
    sluice_http_request q = {.size = sizeof q, .url = SLUICE_VIEW("http://auth/check"), .timeout_ms = 500};
    sluice_http_response a = {.size = sizeof a};
    int32_t status = http->request(host, &q, &a);
    if (status < 0) return status;
    edits->set_header(r, SLUICE_VIEW("X-Auth"), a.body);
    return a.status == 200 ? SLUICE_CONTINUE : answers->respond(r, 403, a.body);
  }
  return SLUICE_CONTINUE;
}

static int32_t access_hook(void *instance, sluice_request *r) {
  (void)instance;
  sluice_view path;
  char how[64];
  requests->attribute(r, SLUICE_ATTRIBUTE_PATH, &path);
  snprintf(how, sizeof how, "%.*s", (int)path.size, (const char *)path.data);
  trace("may_park", (int32_t)io->may_park(host));
  if (!strcmp(how, "/token")) return suspend->prepare(r, 100, &waiting_token), SLUICE_SUSPEND;
  if (!strcmp(how, "/then")) return suspend->prepare_with(r, 100, go_on, NULL, &waiting_token), SLUICE_SUSPEND;
  if (!strcmp(how, "/twice")) return suspend->prepare_with(r, 100, go_on, "again", &waiting_token), SLUICE_SUSPEND;
  if (!strcmp(how, "/early")) {
    suspend->prepare(r, 100, &waiting_token);
    trace("first", suspend->resume(host, waiting_token, SLUICE_CONTINUE));
    trace("second", suspend->resume(host, waiting_token, SLUICE_CONTINUE));
    return SLUICE_SUSPEND;
  }
  if (!strcmp(how, "/thread")) {
    pthread_t thread;
    suspend->prepare(r, 100, &waiting_token);
    pthread_create(&thread, NULL, elsewhere, &waiting_token);
    pthread_join(thread, NULL);
    return SLUICE_SUSPEND;
  }
  if (!strcmp(how, "/bare")) return SLUICE_SUSPEND;
  if (!strcmp(how, "/timer")) return loop->start_timer(host, 10, 30, on_timer, "timer", &waiting_task);
  if (!strcmp(how, "/watch")) return loop->watch(host, waiting_fds[0], SLUICE_READABLE, 200, on_timer, "watch", &waiting_task);
  if (!strcmp(how, "/start")) {
    sluice_http_request q = {.size = sizeof q, .url = SLUICE_VIEW("http://auth/check"), .timeout_ms = 500};
    return http->start(host, &q, on_http, NULL, &waiting_task);
  }
  if (!strcmp(how, "/again")) return background->schedule(host, 5, 40, work, NULL, &waiting_task);
  if (!strcmp(how, "/body")) {
    int32_t status = bodies->gather(r);
    trace("gathered", status);
    return status ? status : bodies->replace(r, SLUICE_VIEW("new"));
  }
  return on_a_fiber(r, how);
}

static int32_t content_hook(void *instance, sluice_content *c) {
  (void)instance;
  static char piece[40000];
  intptr_t round = (intptr_t)contents->data(c);
  if (!round) contents->start(c, 200, -1), contents->add_header(c, SLUICE_VIEW("X-Made"), SLUICE_VIEW("here"));
  while (round < 4) {
    contents->set_data(c, (void *)++round);
    memset(piece, 'a' + (int)round, sizeof piece);
    int32_t status = contents->write(c, sluice_view_of(piece, sizeof piece));
    trace("wrote", status);
    if (status == SLUICE_EAGAIN) return SLUICE_SUSPEND;
    if (status < 0) return status;
  }
  trace("late", contents->add_header(c, SLUICE_VIEW("X-Late"), SLUICE_VIEW("1")));
  return contents->finish(c);
}

static int32_t balance(void *instance, sluice_balance *b) {
  (void)instance;
  uint32_t best = 0;
  for (uint32_t i = 0; i < balancers->count(b); i++) {
    sluice_target t = {.size = sizeof t}, top = {.size = sizeof top};
    balancers->target(b, i, &t);
    balancers->target(b, best, &top);
    if (t.weight > top.weight && !t.tried) best = i;
  }
  return balancers->choose(b, best);
}
static int32_t route(void *instance, sluice_request *r) {
  (void)instance;
  variables->set(r, (uint32_t)tier, SLUICE_VIEW("gold"));
  metrics->add(host, (uint32_t)routed, 2);
  trace("late-number", variables->number(host, SLUICE_VIEW("late")));
  trace("edit", edits->set_path(r, SLUICE_VIEW("/x")));
  return clusters->choose(r, SLUICE_VIEW("blue")) == SLUICE_OK ? SLUICE_CONTINUE : SLUICE_EFAULT;
}

static int32_t init(const sluice_host *given, void **state) {
  (void)state;
  host = given;
#define GET(name, id) if (!((name) = given->get_extension(given, id))) return SLUICE_ENOTFOUND
  GET(requests, SLUICE_REQUEST_1); GET(edits, SLUICE_REQUEST_EDIT_1); GET(answers, SLUICE_ANSWER_1); GET(bodies, SLUICE_REQUEST_BODY_1);
  GET(contents, SLUICE_CONTENT_1); GET(suspend, SLUICE_SUSPEND_1); GET(loop, SLUICE_LOOP_1); GET(io, SLUICE_IO_1);
  GET(background, SLUICE_BACKGROUND_1); GET(http, SLUICE_HTTP_CLIENT_1); GET(clusters, SLUICE_CLUSTER_1); GET(balancers, SLUICE_BALANCER_1);
  GET(variables, SLUICE_VARIABLES_1); GET(metrics, SLUICE_METRICS_1);
  static const double bounds[] = {1, 10};
  sluice_label label = {SLUICE_VIEW("kind"), SLUICE_VIEW("a")};
  sluice_metric m = {.size = sizeof m, .kind = SLUICE_COUNTER, .name = SLUICE_VIEW("routed_total"), .labels = &label, .label_count = 1};
  tier = variables->number(host, SLUICE_VIEW("waiting.tier"));
  routed = metrics->define(host, &m, NULL);
  trace("again", metrics->define(host, &m, NULL) - routed);
  m.kind = SLUICE_GAUGE;
  trace("conflict", metrics->define(host, &m, NULL));
  m = (sluice_metric){.size = sizeof m, .kind = SLUICE_HISTOGRAM, .name = SLUICE_VIEW("sizes"), .bounds = bounds, .bound_count = 2};
  sizes = metrics->define(host, &m, NULL);
  trace("name", variables->number(host, SLUICE_VIEW("Bad name")));
  trace("amount", metrics->add(host, (uint32_t)routed, -1) + metrics->observe(host, (uint32_t)sizes, 3));
  return tier > 0 && routed >= 0 && sizes >= 0 ? SLUICE_OK : SLUICE_EFAULT;
}
static int32_t worker_init(void *state, uint32_t number) { (void)state; trace("worker", (int32_t)number); return SLUICE_OK; }
static void worker_exit(void *state) { (void)state; trace("exit", 0); }
static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .access = access_hook, .content = content_hook, .balancer = balance};
  static const sluice_routing_v1 routing = {.size = sizeof routing, .choose = route};
  static const sluice_worker_v1 worker = {.size = sizeof worker, .worker_init = worker_init, .worker_exit = worker_exit};
  (void)state;
  return !strcmp(id, SLUICE_FILTER_1) ? (const void *)&filter : !strcmp(id, SLUICE_ROUTING_1) ? (const void *)&routing
         : !strcmp(id, SLUICE_WORKER_1) ? (const void *)&worker : NULL;
}
#ifdef FIBER
#define CONCURRENCY "fiber"
#else
#define CONCURRENCY "suspend"
#endif
SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"waiting\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\","
                "\"phases\":[\"access\",\"routing\",\"content\",\"balancer\"],"
                "\"concurrency\":\"" CONCURRENCY "\",\"needs\":[\"sluice.io/1\"]}")
