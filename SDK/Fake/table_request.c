/* The tables of rewrite, access and routing: reading and changing the request, its body, answers, memory, clusters. One exchange is behind
   every handle; fake_in refuses what the phase does not allow. */
#include "fake.h"

#define EDITABLE(handle) \
  fake_exchange *x = fake_x(handle); \
  if (!x) return SLUICE_EINVAL; \
  if (!fake_in(x, SLUICE_PHASE_REWRITE, SLUICE_PHASE_ACCESS, SLUICE_PHASE_ACCESS)) return SLUICE_EPHASE

static sluice_view text(const char *s) { return sluice_view_of(s, strlen(s)); }
static sluice_view part(const char *s, size_t size) { return sluice_view_of(s, size); }

static const char *const names[] = {"", "request.method", "request.path", "request.url_path", "request.query", "request.host", "request.scheme",
  "request.protocol", "request.id", "source.address", "source.port", "route.id", "cluster.id", "upstream.target", "consumer.name"};

static int32_t attribute(const sluice_request *handle, uint32_t number, sluice_view *value) {
  const fake_exchange *x = fake_x(handle);
  if (!x || !value) return SLUICE_EINVAL;
  const char *mark = strchr(x->path, '?');
  switch (number) {
    case SLUICE_ATTRIBUTE_METHOD: *value = text(x->method); break;
    case SLUICE_ATTRIBUTE_PATH: *value = text(x->path); break;
    case SLUICE_ATTRIBUTE_URL_PATH: *value = part(x->path, mark ? (size_t)(mark - x->path) : strlen(x->path)); break;
    case SLUICE_ATTRIBUTE_QUERY: *value = text(mark ? mark + 1 : ""); break;
    case SLUICE_ATTRIBUTE_HOST: *value = text(x->authority); break;
    case SLUICE_ATTRIBUTE_SCHEME: *value = text("http"); break;
    case SLUICE_ATTRIBUTE_PROTOCOL: *value = text("HTTP/1.1"); break;
    case SLUICE_ATTRIBUTE_REQUEST_ID: *value = text(x->id); break;
    case SLUICE_ATTRIBUTE_SOURCE_ADDRESS: *value = text(x->source); break;
    case SLUICE_ATTRIBUTE_SOURCE_PORT: *value = text(x->port); break;
    case SLUICE_ATTRIBUTE_ROUTE_ID: *value = text(x->route); break;
    case SLUICE_ATTRIBUTE_CLUSTER_ID: *value = text(x->cluster); break;
    case SLUICE_ATTRIBUTE_TARGET: *value = text(x->target >= 0 ? x->host->targets[x->target].label : ""); break;
    case SLUICE_ATTRIBUTE_CONSUMER: *value = text(x->consumer); break;
    default: return SLUICE_ENOTFOUND;
  }
  return SLUICE_OK;
}
static uint32_t attribute_number(sluice_view name) {
  for (uint32_t i = 1; i < SLUICE_ATTRIBUTE_COUNT; i++)
    if (fake_ok(name) && name.size == strlen(names[i]) && !memcmp(name.data, names[i], name.size)) return i;
  return 0;
}
static sluice_view attribute_name(uint32_t number) { return text(number < SLUICE_ATTRIBUTE_COUNT ? names[number] : ""); }

static int32_t copy_fields(const fake_fields *f, sluice_header *out, uint32_t room, uint32_t *count) {
  if (!count || (!out && room)) return SLUICE_EINVAL;
  for (uint32_t i = 0; i < f->count && i < room; i++) out[i] = f->list[i];
  *count = f->count;
  return f->count > room ? SLUICE_ELIMIT : SLUICE_OK;
}
static int32_t header(const sluice_request *handle, sluice_view name, sluice_view *value) {
  return handle ? fake_field_find(&fake_x(handle)->request, name, value) : SLUICE_EINVAL;
}
static int32_t headers(const sluice_request *handle, sluice_header *out, uint32_t room, uint32_t *count) {
  return handle ? copy_fields(&fake_x(handle)->request, out, room, count) : SLUICE_EINVAL;
}
static int32_t query(const sluice_request *handle, sluice_view name, sluice_view *value) {
  return handle && value && fake_ok(name) ? fake_query_find(fake_x(handle), name, value) : SLUICE_EINVAL;
}
const sluice_request_v1 fake_request_table = {sizeof(sluice_request_v1), SLUICE_ATTRIBUTE_COUNT, attribute, attribute_number, attribute_name,
                                              header, headers, query};

/* --- sluice.request-edit/1, sluice.header-batch/1 --- */

static int32_t set_header(sluice_request *handle, sluice_view name, sluice_view value) {
  EDITABLE(handle);
  return fake_field_edit(x, &x->request, SLUICE_EDIT_SET, name, value);
}
static int32_t add_header(sluice_request *handle, sluice_view name, sluice_view value) {
  EDITABLE(handle);
  return fake_field_edit(x, &x->request, SLUICE_EDIT_ADD, name, value);
}
static int32_t remove_header(sluice_request *handle, sluice_view name) {
  EDITABLE(handle);
  return fake_field_edit(x, &x->request, SLUICE_EDIT_REMOVE, name, name);
}

/* Copies `v` into `*to` when it is good. */
static int32_t store(fake_exchange *x, const char **to, sluice_view v, int is_good) {
  if (!is_good) return SLUICE_EINVAL;
  const char *copy = fake_copy(x, v);
  if (!copy) return SLUICE_ENOMEM;
  *to = copy;
  return SLUICE_OK;
}
static int is_text(sluice_view v, uint8_t least) {
  for (uint64_t i = 0; i < v.size; i++) if (v.data[i] < least || v.data[i] == 0x7f || (least > 0x20 && v.data[i] > 0x7e)) return 0;
  return v.size > 0 && v.size <= 128;
}
static int32_t set_path(sluice_request *handle, sluice_view v) {
  EDITABLE(handle);
  return store(x, &x->path, v, fake_ok(v) && fake_is_path(v));
}
static int32_t set_method(sluice_request *handle, sluice_view v) {
  EDITABLE(handle);
  return store(x, &x->method, v, fake_ok(v) && v.size <= 32 && fake_is_token(v) && !(v.size == 7 && !memcmp(v.data, "CONNECT", 7)));
}
static int32_t set_host(sluice_request *handle, sluice_view v) {
  EDITABLE(handle);
  return store(x, &x->authority, v, fake_ok(v) && fake_is_authority(v));
}
static int32_t remove_query(sluice_request *handle, sluice_view name) {
  EDITABLE(handle);
  return fake_ok(name) ? fake_query_remove(x, name) : SLUICE_EINVAL;
}
static int32_t set_request_id(sluice_request *handle, sluice_view v) {
  EDITABLE(handle);
  return store(x, &x->id, v, fake_ok(v) && is_text(v, 0x21));
}
static int32_t set_consumer(sluice_request *handle, sluice_view v) {
  EDITABLE(handle);
  return store(x, &x->consumer, v, fake_ok(v) && is_text(v, 0x20));
}
const sluice_request_edit_v1 fake_request_edit_table = {sizeof(sluice_request_edit_v1), 0, set_header, add_header, remove_header, set_path,
                                                        set_method, set_host, remove_query, set_request_id, set_consumer};

static int32_t find_all(const fake_fields *f, const sluice_view *wanted, sluice_view *values, uint32_t count) {
  int32_t found = 0;
  if (!wanted || !values || count > 64) return SLUICE_EINVAL;
  for (uint32_t i = 0; i < count; i++) {
    values[i] = sluice_view_of(NULL, 0);
    found += fake_field_find(f, wanted[i], &values[i]) == SLUICE_OK;
  }
  return found;
}
static int32_t edit_all(fake_exchange *x, fake_fields *f, const sluice_header_edit *edits, uint32_t count) {
  fake_fields work = {fake_keep(malloc((f->count + count + 1) * sizeof *f->list)), f->count, f->count + count + 1};
  int32_t status = count > 64 ? SLUICE_ELIMIT : edits || !count ? SLUICE_OK : SLUICE_EINVAL;
  if (f->count) memcpy(work.list, f->list, f->count * sizeof *f->list);
  for (uint32_t i = 0; i < count && status == SLUICE_OK; i++) {
    status = fake_field_edit(x, &work, edits[i].operation, edits[i].name, edits[i].value);
    if (status == SLUICE_ENOTFOUND) status = SLUICE_OK;
  }
  free(status == SLUICE_OK ? f->list : work.list);
  if (status == SLUICE_OK) *f = work;
  return status;
}
static int32_t request_headers(const sluice_request *handle, const sluice_view *wanted, sluice_view *values, uint32_t count) {
  return handle ? find_all(&fake_x(handle)->request, wanted, values, count) : SLUICE_EINVAL;
}
static int32_t edit_request(sluice_request *handle, const sluice_header_edit *edits, uint32_t count) {
  EDITABLE(handle);
  return edit_all(x, &x->request, edits, count);
}
static int32_t response_headers(const sluice_response *handle, const sluice_view *wanted, sluice_view *values, uint32_t count) {
  fake_exchange *x = fake_x(handle);
  if (!x) return SLUICE_EINVAL;
  if (!fake_in(x, SLUICE_PHASE_HEADER_FILTER, SLUICE_PHASE_HEADER_FILTER, SLUICE_PHASE_HEADER_FILTER)) return SLUICE_EPHASE;
  return find_all(&x->response, wanted, values, count);
}
static int32_t edit_response(sluice_response *handle, const sluice_header_edit *edits, uint32_t count) {
  fake_exchange *x = fake_x(handle);
  if (!x) return SLUICE_EINVAL;
  if (!fake_in(x, SLUICE_PHASE_HEADER_FILTER, SLUICE_PHASE_HEADER_FILTER, SLUICE_PHASE_HEADER_FILTER)) return SLUICE_EPHASE;
  return edit_all(x, &x->response, edits, count);
}
const sluice_header_batch_v1 fake_header_batch_table = {sizeof(sluice_header_batch_v1), 0, request_headers, response_headers, edit_request,
                                                        edit_response};

/* --- sluice.answer/1, sluice.memory/1, sluice.cluster/1 --- */

static int32_t respond(sluice_request *handle, uint32_t status, sluice_view body) {
  EDITABLE(handle);
  if (status < 200 || status > 599 || !fake_ok(body) || (body.size && (status == 204 || status == 304))) return SLUICE_EINVAL;
  if (body.size > FAKE_MEMORY_MAX - x->memory) return SLUICE_ENOMEM;
  x->answer_status = status;
  x->answer_body.size = 0;
  fake_grow(&x->answer_body, body.data, body.size);
  return SLUICE_ANSWERED;
}
static int32_t answer_header(sluice_request *handle, sluice_view name, sluice_view value) {
  EDITABLE(handle);
  return fake_field_edit(x, &x->answer, SLUICE_EDIT_ADD, name, value);
}
const sluice_answer_v1 fake_answer_table = {sizeof(sluice_answer_v1), 0, respond, answer_header};

static void *allocate(const sluice_request *handle, uint64_t bytes) { return handle ? fake_allocate(fake_x(handle), bytes) : NULL; }
static int32_t duplicate(const sluice_request *handle, sluice_view bytes, sluice_request_view *copy) {
  if (!handle || !copy || !fake_ok(bytes)) return SLUICE_EINVAL;
  const char *data = fake_copy(fake_x(handle), bytes);
  if (!data) return SLUICE_ENOMEM;
  copy->data = (const uint8_t *)data;
  copy->size = bytes.size;
  return SLUICE_OK;
}
const sluice_memory_v1 fake_memory_table = {sizeof(sluice_memory_v1), 0, allocate, duplicate};

static const char *cluster_named(const fake_host *h, sluice_view name) {
  for (uint32_t i = 0; i < h->cluster_count; i++)
    if (fake_ok(name) && strlen(h->clusters[i]) == name.size && !memcmp(h->clusters[i], name.data, name.size)) return h->clusters[i];
  return NULL;
}
static int32_t choose_cluster(sluice_request *handle, sluice_view name) {
  fake_exchange *x = fake_x(handle);
  if (!x) return SLUICE_EINVAL;
  if (!fake_in(x, SLUICE_PHASE_REWRITE, SLUICE_PHASE_ACCESS, SLUICE_PHASE_ROUTING)) return SLUICE_EPHASE;
  const char *found = cluster_named(x->host, name);
  if (found) x->cluster = found;
  return found ? SLUICE_OK : SLUICE_ENOTFOUND;
}
static int32_t find_cluster(const sluice_request *handle, sluice_view name) {
  fake_exchange *x = fake_x(handle);
  if (!x) return SLUICE_EINVAL;
  if (!fake_in(x, SLUICE_PHASE_REWRITE, SLUICE_PHASE_ACCESS, SLUICE_PHASE_ROUTING)) return SLUICE_EPHASE;
  return cluster_named(x->host, name) ? SLUICE_OK : SLUICE_ENOTFOUND;
}
const sluice_cluster_v1 fake_cluster_table = {sizeof(sluice_cluster_v1), 0, choose_cluster, find_cluster};

/* --- sluice.request-body/1: one piece --- */

static int32_t gather(sluice_request *handle) {
  EDITABLE(handle);
  if (!x->body_held) return x->body_gathered = 1, SLUICE_OK;
  x->asked = WAIT_BODY;
  if (!x->host->fiber) return SLUICE_SUSPEND;
  int32_t status = fake_park(x->host, FAKE_NEVER, -1, 0);
  x->asked = WAIT_NONE;
  if (status == SLUICE_OK) x->body_gathered = 1;
  return status;
}
static int32_t pieces(const sluice_request *handle, sluice_view *out, uint32_t room, uint32_t *count) {
  EDITABLE(handle);
  if (!count || (!out && room)) return SLUICE_EINVAL;
  *count = x->body_gathered && x->body.size ? 1 : 0;
  if (*count > room) return SLUICE_ELIMIT;
  if (*count) out[0] = sluice_view_of(x->body.data, x->body.size);
  return SLUICE_OK;
}
static int64_t length(const sluice_request *handle) {
  EDITABLE(handle);
  return (int64_t)x->body.size;
}
static int32_t replace(sluice_request *handle, sluice_view bytes) {
  EDITABLE(handle);
  if (!fake_ok(bytes)) return SLUICE_EINVAL;
  if (!x->body_gathered) return SLUICE_EPHASE;
  if (bytes.size > FAKE_MEMORY_MAX) return SLUICE_ELIMIT;
  fake_bytes fresh = {NULL, 0, 0};
  fake_grow(&fresh, bytes.data, bytes.size); /* `bytes` may be the old body */
  free(x->body.data);
  x->body = fresh;
  return SLUICE_OK;
}
static int32_t writable(sluice_request *handle, uint32_t index, uint8_t **data, uint64_t *size) {
  EDITABLE(handle);
  if (!data || !size) return SLUICE_EINVAL;
  if (!x->body_gathered || !x->body.size || index) return SLUICE_ENOTFOUND;
  *data = x->body.data;
  *size = x->body.size;
  return SLUICE_OK;
}
const sluice_request_body_v1 fake_request_body_table = {sizeof(sluice_request_body_v1), 0, gather, pieces, length, replace, writable};
