/* Making a request and its response, and looking at what a plugin did to them. Nothing here runs the plugin (run.c does). Memory of an
   exchange ends with it; what plugins take of it is bounded as in the gateway. */
#include "fake.h"
#include <stdio.h>

void *fake_allocate(fake_exchange *x, uint64_t bytes) {
  if (bytes > FAKE_MEMORY_MAX || x->memory + bytes > FAKE_MEMORY_MAX) return NULL;
  fake_block *block = fake_keep(aligned_alloc(16, (sizeof *block + 15) / 16 * 16 + (bytes + 15) / 16 * 16));
  block->next = x->blocks;
  x->blocks = block;
  x->memory += bytes;
  return (uint8_t *)block + 16;
}

const char *fake_copy(fake_exchange *x, sluice_view v) {
  char *copy = fake_allocate(x, v.size + 1);
  if (!copy) return NULL;
  if (v.size) memcpy(copy, v.data, v.size);
  copy[v.size] = 0;
  return copy;
}

void fake_grow(fake_bytes *b, const void *data, uint64_t size) {
  if (b->size + size + 1 > b->room) b->data = fake_keep(realloc(b->data, b->room = (b->size + size + 1) * 2));
  if (size) memcpy(b->data + b->size, data, size);
  b->data[b->size += size] = 0;
}

/* What the test says is not charged to the plugin. */
static const char *given(fake_exchange *x, const char *text) {
  uint64_t before = x->memory;
  const char *copy = fake_copy(x, sluice_view_of(text, strlen(text)));
  x->memory = before;
  return fake_keep((void *)(uintptr_t)copy);
}

fake_exchange *fake_request(fake_host *h, const char *method, const char *target) {
  fake_exchange *x = fake_keep(calloc(1, sizeof *x));
  x->host = h;
  x->next = h->exchanges;
  h->exchanges = x;
  x->instance = h->instance;
  x->phase = FAKE_NO_PHASE;
  x->target = -1;
  x->method = given(x, method);
  x->path = given(x, target);
  x->authority = "localhost";
  x->route = "test";
  x->cluster = x->id = x->consumer = "";
  fake_set_client(x, "127.0.0.1", 50000);
  return x;
}

void fake_end(fake_exchange *x) {
  fake_exchange **at = &x->host->exchanges;
  fake_cancel(x);
  while (*at != x) at = &(*at)->next;
  *at = x->next;
  for (fake_block *b = x->blocks, *next; b; b = next) next = b->next, free(b);
  fake_bytes *all[] = {&x->body, &x->response_body, &x->answer_body, &x->chunk, &x->behind};
  for (int i = 0; i < 5; i++) free(all[i]->data);
  free(x->request.list), free(x->response.list), free(x->answer.list);
  free(x);
}

static void add(fake_exchange *x, fake_fields *f, const char *name, const char *value) {
  uint64_t before = x->memory;
  if (f->count == f->room) f->list = fake_keep(realloc(f->list, (f->room = f->room ? f->room * 2 : 16) * sizeof *f->list));
  f->list[f->count].name = sluice_view_of(given(x, name), strlen(name));
  f->list[f->count++].value = sluice_view_of(given(x, value), strlen(value));
  x->memory = before;
}
void fake_set_header(fake_exchange *x, const char *name, const char *value) {
  if (fake_is_same(sluice_view_of(name, strlen(name)), SLUICE_VIEW("host"))) x->authority = given(x, value);
  else add(x, &x->request, name, value);
}
void fake_set_body(fake_exchange *x, const void *bytes, uint64_t size) {
  x->body.size = 0;
  fake_grow(&x->body, bytes, size);
}
void fake_hold_body(fake_exchange *x) { x->body_held = 1; }
void fake_set_client(fake_exchange *x, const char *address, uint16_t port) {
  x->source = given(x, address);
  snprintf(x->port, sizeof x->port, "%u", port);
}
void fake_set_route(fake_exchange *x, const char *route, const char *cluster) {
  x->route = given(x, route);
  x->cluster = given(x, cluster);
}

const char *fake_method(const fake_exchange *x) { return x->method; }
const char *fake_path(const fake_exchange *x) { return x->path; }
const char *fake_authority(const fake_exchange *x) { return x->authority; }
const char *fake_consumer(const fake_exchange *x) { return *x->consumer ? x->consumer : NULL; }
const char *fake_request_id(const fake_exchange *x) { return *x->id ? x->id : NULL; }
const char *fake_cluster(const fake_exchange *x) { return *x->cluster ? x->cluster : NULL; }
int fake_target(const fake_exchange *x) { return x->target; }

static const char *find(const fake_fields *f, const char *name) { /* every value has a NUL behind it */
  sluice_view v;
  return fake_field_find(f, sluice_view_of(name, strlen(name)), &v) == SLUICE_OK ? (const char *)v.data : NULL;
}
const char *fake_header(const fake_exchange *x, const char *name) { return find(&x->request, name); }
uint32_t fake_header_count(const fake_exchange *x, const char *name) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < x->request.count; i++) n += !name || fake_is_same(x->request.list[i].name, sluice_view_of(name, strlen(name)));
  return n;
}

static const uint8_t *whole(const fake_bytes *b, uint64_t *size) {
  if (size) *size = b->size;
  return b->data ? b->data : (const uint8_t *)"";
}
const uint8_t *fake_body(const fake_exchange *x, uint64_t *size) { return whole(&x->body, size); }
const uint8_t *fake_answer_body(const fake_exchange *x, uint64_t *size) { return whole(&x->answer_body, size); }
const uint8_t *fake_response_body(const fake_exchange *x, uint64_t *size) { return whole(&x->response_body, size); }
uint32_t fake_answer_status(const fake_exchange *x) { return x->answer_status; }
const char *fake_answer_header(const fake_exchange *x, const char *name) { return find(&x->answer, name); }
uint32_t fake_response_status(const fake_exchange *x) { return x->status; }
const char *fake_response_header(const fake_exchange *x, const char *name) { return find(&x->response, name); }

void fake_respond(fake_exchange *x, uint32_t status) {
  x->status = status;
  x->response.count = 0;
}
void fake_set_response_header(fake_exchange *x, const char *name, const char *value) { add(x, &x->response, name, value); }
void fake_set_facts(fake_exchange *x, const sluice_exchange_facts *facts) { x->facts = *facts; }
