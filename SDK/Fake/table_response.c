/* The tables of the phases behind the request: response head, body chunks, log, content, balancer. */
#include "fake.h"

#define PHASE(handle, phase) \
  fake_exchange *x = fake_x(handle); \
  if (!x) return SLUICE_EINVAL; \
  if (!fake_in(x, phase, phase, phase)) return SLUICE_EPHASE

static int has_no_body(uint32_t status) { return status == 204 || status == 304; }

/* --- sluice.response/1 --- */

static const sluice_request *response_request(const sluice_response *handle) { return (const sluice_request *)(const void *)handle; }
static uint32_t status_of(const sluice_response *handle) {
  fake_exchange *x = fake_x(handle);
  return x && fake_in(x, SLUICE_PHASE_HEADER_FILTER, SLUICE_PHASE_HEADER_FILTER, SLUICE_PHASE_HEADER_FILTER) ? x->status : 0;
}
static int32_t set_status(sluice_response *handle, uint32_t status) {
  PHASE(handle, SLUICE_PHASE_HEADER_FILTER);
  if (status < 200 || status > 599 || has_no_body(status) != has_no_body(x->status)) return SLUICE_EINVAL;
  x->status = status;
  return SLUICE_OK;
}
static int32_t response_header(const sluice_response *handle, sluice_view name, sluice_view *value) {
  PHASE(handle, SLUICE_PHASE_HEADER_FILTER);
  return fake_field_find(&x->response, name, value);
}
static int32_t response_headers(const sluice_response *handle, sluice_header *out, uint32_t room, uint32_t *count) {
  PHASE(handle, SLUICE_PHASE_HEADER_FILTER);
  if (!count || (!out && room)) return SLUICE_EINVAL;
  for (uint32_t i = 0; i < x->response.count && i < room; i++) out[i] = x->response.list[i];
  *count = x->response.count;
  return x->response.count > room ? SLUICE_ELIMIT : SLUICE_OK;
}
static int32_t set_header(sluice_response *handle, sluice_view name, sluice_view value) {
  PHASE(handle, SLUICE_PHASE_HEADER_FILTER);
  return fake_field_edit(x, &x->response, SLUICE_EDIT_SET, name, value);
}
static int32_t add_header(sluice_response *handle, sluice_view name, sluice_view value) {
  PHASE(handle, SLUICE_PHASE_HEADER_FILTER);
  return fake_field_edit(x, &x->response, SLUICE_EDIT_ADD, name, value);
}
static int32_t remove_header(sluice_response *handle, sluice_view name) {
  PHASE(handle, SLUICE_PHASE_HEADER_FILTER);
  return fake_field_edit(x, &x->response, SLUICE_EDIT_REMOVE, name, name);
}
const sluice_response_v1 fake_response_table = {sizeof(sluice_response_v1), 0, response_request, status_of, set_status, response_header,
                                                response_headers, set_header, add_header, remove_header};

/* --- sluice.body/1 --- */

static const sluice_request *body_request(const sluice_body *handle) { return (const sluice_request *)(const void *)handle; }
static int32_t chunk(const sluice_body *handle, sluice_view *out) {
  PHASE(handle, SLUICE_PHASE_BODY_FILTER);
  if (!out) return SLUICE_EINVAL;
  *out = sluice_view_of(x->chunk.data, x->chunk.size);
  return SLUICE_OK;
}
static uint32_t is_last(const sluice_body *handle) {
  fake_exchange *x = fake_x(handle);
  return x && fake_in(x, SLUICE_PHASE_BODY_FILTER, SLUICE_PHASE_BODY_FILTER, SLUICE_PHASE_BODY_FILTER) ? (uint32_t)x->chunk_is_last : 0;
}
static int32_t writable(sluice_body *handle, uint8_t **data, uint64_t *size) {
  PHASE(handle, SLUICE_PHASE_BODY_FILTER);
  if (!data || !size) return SLUICE_EINVAL;
  *data = x->chunk.data;
  *size = x->chunk.size;
  return SLUICE_OK;
}
static int32_t replace(sluice_body *handle, sluice_view bytes) {
  PHASE(handle, SLUICE_PHASE_BODY_FILTER);
  if (!fake_ok(bytes)) return SLUICE_EINVAL;
  if (bytes.size > FAKE_MEMORY_MAX) return SLUICE_ENOMEM;
  fake_bytes fresh = {NULL, 0, 0};
  fake_grow(&fresh, bytes.data, bytes.size); /* `bytes` may be the old chunk */
  free(x->chunk.data);
  x->chunk = fresh;
  x->behind.size = 0;
  return SLUICE_OK;
}
static int32_t append(sluice_body *handle, sluice_view bytes) {
  PHASE(handle, SLUICE_PHASE_BODY_FILTER);
  if (!fake_ok(bytes)) return SLUICE_EINVAL;
  if (bytes.size > FAKE_MEMORY_MAX - x->behind.size) return SLUICE_ENOMEM;
  fake_grow(&x->behind, bytes.data, bytes.size);
  return SLUICE_OK;
}
const sluice_body_v1 fake_body_table = {sizeof(sluice_body_v1), 0, body_request, chunk, is_last, writable, replace, append};

/* --- sluice.exchange-log/1 --- */

static const sluice_request *log_request(const sluice_exchange_log *handle) { return (const sluice_request *)(const void *)handle; }
static int32_t facts(const sluice_exchange_log *handle, sluice_exchange_facts *out) {
  PHASE(handle, SLUICE_PHASE_LOG);
  if (!out || out->size < 8) return SLUICE_EINVAL;
  uint32_t size = out->size;
  x->facts.size = size;
  if (!x->facts.status) x->facts.status = x->status ? x->status : x->answer_status;
  memcpy(out, &x->facts, size < sizeof x->facts ? size : sizeof x->facts);
  return SLUICE_OK;
}
const sluice_exchange_log_v1 fake_exchange_log_table = {sizeof(sluice_exchange_log_v1), 0, log_request, facts};

/* --- sluice.content/1 --- */

static sluice_request *content_request(sluice_content *handle) { return (sluice_request *)handle; }
static int32_t content_start(sluice_content *handle, uint32_t status, int64_t length) {
  PHASE(handle, SLUICE_PHASE_CONTENT);
  if (x->content_started) return SLUICE_EPHASE;
  if (status < 200 || status > 599 || length < -1) return SLUICE_EINVAL;
  x->content_started = 1;
  x->answer_status = status;
  x->content_length = length;
  return SLUICE_OK;
}
static int32_t content_header(sluice_content *handle, sluice_view name, sluice_view value) {
  PHASE(handle, SLUICE_PHASE_CONTENT);
  if (!x->content_started || x->content_head_sent) return SLUICE_EPHASE;
  return fake_field_edit(x, &x->answer, SLUICE_EDIT_ADD, name, value);
}
static int32_t content_write(sluice_content *handle, sluice_view bytes) {
  PHASE(handle, SLUICE_PHASE_CONTENT);
  if (!x->content_started || x->content_finished) return SLUICE_EPHASE;
  if (!fake_ok(bytes)) return SLUICE_EINVAL;
  if (x->content_length >= 0 && x->answer_body.size + bytes.size > (uint64_t)x->content_length) return SLUICE_EINVAL;
  if (x->host->fiber && x->host->fiber->is_cancelled) return SLUICE_ECANCELED;
  if (x->is_blocked && x->content_unread + bytes.size > FAKE_MEMORY_MAX) return SLUICE_ELIMIT;
  x->content_head_sent = 1;
  fake_grow(&x->answer_body, bytes.data, bytes.size);
  if (!x->is_blocked) return SLUICE_OK;
  x->content_unread += bytes.size;
  if (x->content_unread <= FAKE_WRITE_MARK) return SLUICE_OK;
  x->asked = WAIT_ROOM;
  if (!x->host->fiber) return SLUICE_EAGAIN;
  int32_t status = fake_park(x->host, FAKE_NEVER, -1, 0);
  x->asked = WAIT_NONE;
  return status;
}
static int32_t content_finish(sluice_content *handle) {
  PHASE(handle, SLUICE_PHASE_CONTENT);
  if (!x->content_started) return SLUICE_EPHASE;
  if (x->content_length >= 0 && x->answer_body.size < (uint64_t)x->content_length) return SLUICE_EINVAL;
  x->content_finished = 1;
  return SLUICE_ANSWERED;
}
static void *content_data(sluice_content *handle) { return handle ? fake_x(handle)->content_data : NULL; }
static void content_set_data(sluice_content *handle, void *data) { if (handle) fake_x(handle)->content_data = data; }
const sluice_content_v1 fake_content_table = {sizeof(sluice_content_v1), 0, content_request, content_start, content_header, content_write,
                                              content_finish, content_data, content_set_data};

/* --- sluice.balancer/1 --- */

static const sluice_request *balance_request(const sluice_balance *handle) { return (const sluice_request *)(const void *)handle; }
static uint32_t count(const sluice_balance *handle) {
  fake_exchange *x = fake_x(handle);
  return x && fake_in(x, SLUICE_PHASE_BALANCER, SLUICE_PHASE_BALANCER, SLUICE_PHASE_BALANCER) ? x->host->target_count : 0;
}
static int32_t target(const sluice_balance *handle, uint32_t index, sluice_target *out) {
  PHASE(handle, SLUICE_PHASE_BALANCER);
  if (!out || out->size < 8) return SLUICE_EINVAL;
  if (index >= x->host->target_count) return SLUICE_ENOTFOUND;
  const fake_point *p = &x->host->targets[index];
  sluice_target whole = {out->size, p->weight, sluice_view_of(p->label, strlen(p->label)), 0, x->tried >> index & 1};
  memcpy(out, &whole, out->size < sizeof whole ? out->size : sizeof whole);
  return SLUICE_OK;
}
static int32_t choose(sluice_balance *handle, uint32_t index) {
  PHASE(handle, SLUICE_PHASE_BALANCER);
  if (index >= x->host->target_count) return SLUICE_ENOTFOUND;
  x->target = (int)index;
  if (index < 32) x->tried |= 1u << index;
  return SLUICE_OK;
}
static int32_t set_timeouts(sluice_balance *handle, uint32_t connect_ms, uint32_t response_ms) {
  PHASE(handle, SLUICE_PHASE_BALANCER);
  (void)connect_ms, (void)response_ms;
  return SLUICE_OK;
}
static int32_t set_retries(sluice_balance *handle, uint32_t retries) {
  PHASE(handle, SLUICE_PHASE_BALANCER);
  return retries > 16 ? SLUICE_EINVAL : SLUICE_OK;
}
static uint32_t attempts(const sluice_balance *handle) { return handle ? (uint32_t)__builtin_popcount(fake_x(handle)->tried) : 0; }
const sluice_balancer_v1 fake_balancer_table = {sizeof(sluice_balancer_v1), 0, balance_request, count, target, choose, set_timeouts, set_retries,
                                                attempts};
