/* What hooks can do without waiting on anything of their own: gather and change a request body, make a response, choose a cluster
   or a target. One instance does what its configuration's "mode" says. */
#include <sluice/json.h>
#include <sluice/json_text.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sluice_request_body_v1 *bodies;
static const sluice_request_v1 *requests;
static const sluice_request_edit_v1 *edits;
static const sluice_answer_v1 *answers;
static const sluice_content_v1 *contents;
static const sluice_cluster_v1 *clusters;
static const sluice_balancer_v1 *balancers;
static const sluice_response_v1 *responses;
static const sluice_body_v1 *chunks;

typedef struct instance { char mode[32]; uint32_t pieces; } instance;

static int is(const instance *i, const char *mode) { return strcmp(i->mode, mode) == 0; }

static int32_t access_hook(void *p, sluice_request *request) {
  instance *i = p;
  if (strncmp(i->mode, "body-", 5)) return SLUICE_CONTINUE;
  int32_t r = bodies->gather(request);
  if (r != SLUICE_OK) return r;
  sluice_view piece = {NULL, 0};
  uint32_t count = 0;
  bodies->pieces(request, &piece, 1, &count);
  if (is(i, "body-echo")) return answers->respond(request, 200, count ? piece : SLUICE_VIEW(""));
  if (is(i, "body-upper")) {
    uint8_t *data;
    uint64_t size;
    if (count && bodies->writable(request, 0, &data, &size) == SLUICE_OK)
      for (uint64_t k = 0; k < size; k++) if (data[k] >= 'a' && data[k] <= 'z') data[k] -= 32;
    return SLUICE_CONTINUE;
  }
  if (is(i, "body-twice")) {
    char *twice = malloc(piece.size * 2 + 1);
    memcpy(twice, piece.data, piece.size);
    memcpy(twice + piece.size, piece.data, piece.size);
    r = bodies->replace(request, sluice_view_of(twice, piece.size * 2));
    free(twice);
    return r;
  }
  if (is(i, "body-new")) return bodies->replace(request, SLUICE_VIEW("new"));
  return SLUICE_CONTINUE;  /* body-keep */
}

static int32_t choose(void *p, sluice_request *request) {
  instance *i = p;
  sluice_view to;
  if (!is(i, "route") || requests->header(request, SLUICE_VIEW("x-cluster"), &to) != SLUICE_OK) return SLUICE_CONTINUE;
  int32_t r = clusters->choose(request, to);
  return r == SLUICE_ENOTFOUND ? answers->respond(request, 404, SLUICE_VIEW("no such cluster\n")) : r;
}

static int32_t balancer(void *p, sluice_balance *balance) {
  instance *i = p;
  sluice_view wanted;
  if (!is(i, "balance")) return SLUICE_CONTINUE;
  if (requests->header(balancers->request(balance), SLUICE_VIEW("x-target"), &wanted) != SLUICE_OK) return SLUICE_CONTINUE;
  for (uint32_t k = 0; k < balancers->count(balance); k++) {
    sluice_target target = {.size = sizeof target};
    if (balancers->target(balance, k, &target) == SLUICE_OK && target.label.size == wanted.size && !target.tried
        && !memcmp(target.label.data, wanted.data, wanted.size))
      return balancers->choose(balance, k);
  }
  return SLUICE_CONTINUE;
}

/* Numbered lines, as many as X-Lines says: more than the client takes at once make it come back. */
static int32_t content(void *p, sluice_content *response) {
  instance *i = p;
  if (strncmp(i->mode, "content", 7)) return SLUICE_CONTINUE;
  if (is(i, "content-decline")) return SLUICE_CONTINUE;
  sluice_view text = {NULL, 0};
  requests->header(contents->request(response), SLUICE_VIEW("x-lines"), &text);
  uint64_t lines = 0, next = (uint64_t)(uintptr_t)contents->data(response);
  for (uint64_t k = 0; k < text.size; k++) lines = lines * 10 + (uint64_t)(text.data[k] - '0');
  if (next == 0) {
    int32_t r = contents->start(response, is(i, "content-empty") ? 204 : 200, is(i, "content-length") ? (int64_t)(lines * 11) : -1);
    if (r != SLUICE_OK) return r;
    contents->add_header(response, SLUICE_VIEW("Content-Type"), SLUICE_VIEW("text/plain"));
    if (is(i, "content-empty")) return contents->finish(response);
  }
  if (is(i, "content-cut") && next >= lines / 2) return SLUICE_EFAULT;
  while (next < lines) {
    char line[16];
    snprintf(line, sizeof line, "%010llu\n", (unsigned long long)next++);
    contents->set_data(response, (void *)(uintptr_t)next);
    int32_t r = contents->write(response, sluice_view_of(line, 11));
    if (is(i, "content-cut") && next >= lines / 2) return SLUICE_EFAULT;
    if (r == SLUICE_EAGAIN) return SLUICE_SUSPEND;
    if (r != SLUICE_OK) return r;
  }
  return contents->finish(response);
}

static int32_t header_filter(void *p, sluice_response *response) {
  (void)p;
  return responses->set_header(response, SLUICE_VIEW("X-Filtered"), SLUICE_VIEW("yes"));
}

static int32_t body_filter(void *p, sluice_body *body) {
  instance *i = p;
  uint8_t *data;
  uint64_t size;
  if (is(i, "content-rot") && chunks->writable(body, &data, &size) == SLUICE_OK)
    for (uint64_t k = 0; k < size; k++) if (data[k] >= '0' && data[k] <= '9') data[k] = (uint8_t)('0' + ('9' - data[k]));
  return SLUICE_CONTINUE;
}

static int32_t configure(void *state, sluice_view config, void **out, sluice_error *error) {
  (void)state;
  instance *i = calloc(1, sizeof *i);
  sluice_json root = sluice_json_parse(config), mode;
  if (!i || !sluice_json_get(&root, "mode", &mode) || mode.size < 3 || mode.size - 2 >= sizeof i->mode) {
    free(i);
    sluice_error_write(error, "mode: a string is needed");
    return SLUICE_EINVAL;
  }
  memcpy(i->mode, mode.text + 1, mode.size - 2);
  *out = i;
  return SLUICE_OK;
}
static void release(void *state, void *instance) { (void)state; free(instance); }

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  bodies = host->get_extension(host, SLUICE_REQUEST_BODY_1);
  requests = host->get_extension(host, SLUICE_REQUEST_1);
  edits = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  answers = host->get_extension(host, SLUICE_ANSWER_1);
  contents = host->get_extension(host, SLUICE_CONTENT_1);
  clusters = host->get_extension(host, SLUICE_CLUSTER_1);
  balancers = host->get_extension(host, SLUICE_BALANCER_1);
  responses = host->get_extension(host, SLUICE_RESPONSE_1);
  chunks = host->get_extension(host, SLUICE_BODY_1);
  return bodies && requests && edits && answers && contents && clusters && balancers && responses && chunks ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {
      .size = sizeof filter, .configure = configure, .release = release, .access = access_hook, .content = content, .balancer = balancer,
      .header_filter = header_filter, .body_filter = body_filter};
  static const sluice_routing_v1 routing = {.size = sizeof routing, .choose = choose};
  (void)state;
  if (!strcmp(id, SLUICE_FILTER_1)) return &filter;
  return strcmp(id, SLUICE_ROUTING_1) ? NULL : &routing;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"phases\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"concurrency\":\"suspend\","
                "\"phases\":[\"access\",\"routing\",\"balancer\",\"content\",\"header_filter\",\"body_filter\"]}")
