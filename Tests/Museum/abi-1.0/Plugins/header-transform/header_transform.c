/* Sets, adds, renames and removes header fields of request and response; values are templates such as
   "sluice ${request.path}". README.md tells the configuration. Order of the file: state, templates, configure, hooks, entry. */
#define _GNU_SOURCE /* memmem */
#include <sluice/json_text.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OPERATIONS_MAX = 256, PARTS_MAX = 1024, VALUE_BYTES_MAX = 8192, NAME_BYTES_MAX = 256 };

static const sluice_request_v1 *request_table;
static const sluice_request_edit_v1 *edit_table;
static const sluice_response_v1 *response_table;

/* ---- state: one instance per configuration, compiled ---- */

enum { PART_TEXT, PART_ATTRIBUTE, PART_HEADER, PART_QUERY };
typedef struct part {
  uint32_t kind, attribute;
  sluice_view text; /* the literal, or the name of the header or argument; in `texts` */
} part;

/* In the order they run, whatever the order of the file: templates still see what is removed last. */
enum { RENAME, SET, ADD, REMOVE, KINDS };
typedef struct operation {
  uint32_t kind, part, parts; /* value: `parts` parts from `part` on */
  sluice_view name, other;    /* other: new name of RENAME */
} operation;

typedef struct side {
  uint32_t count;
  operation operations[OPERATIONS_MAX];
} side;

typedef struct transform {
  side request, response;
  uint32_t part_count;
  part parts[PARTS_MAX];
  uint8_t scratch[VALUE_BYTES_MAX]; /* hooks run one at a time */
  uint64_t used;
  char texts[]; /* decoded strings of the configuration, never longer than its text */
} transform;

/* ---- templates ---- */

static int fail(sluice_error *error, const char *field, const char *problem) {
  sluice_error_write(error, field);
  sluice_error_write(error, ": ");
  sluice_error_write(error, problem);
  return 0;
}

static int unknown_attribute(sluice_error *error, const char *field, sluice_view name) {
  sluice_error_write(error, field);
  sluice_error_write(error, ": unknown attribute ${");
  sluice_error_write_view(error, name);
  sluice_error_write(error, "}; known: request.headers.NAME request.query.NAME");
  for (uint32_t i = 1; i < request_table->attribute_count; i++) {
    sluice_error_write(error, " ");
    sluice_error_write_view(error, request_table->attribute_name(i));
  }
  return 0;
}

static int compile_reference(part *p, sluice_view name, const char *field, sluice_error *error) {
  static const char headers[] = "request.headers.", query[] = "request.query.";
  if (name.size > sizeof headers - 1 && !memcmp(name.data, headers, sizeof headers - 1)) {
    p->kind = PART_HEADER;
    p->text = sluice_view_of(name.data + sizeof headers - 1, name.size - (sizeof headers - 1));
    return 1;
  }
  if (name.size > sizeof query - 1 && !memcmp(name.data, query, sizeof query - 1)) {
    p->kind = PART_QUERY;
    p->text = sluice_view_of(name.data + sizeof query - 1, name.size - (sizeof query - 1));
    return 1;
  }
  p->kind = PART_ATTRIBUTE;
  p->attribute = request_table->attribute_number(name);
  return p->attribute ? 1 : unknown_attribute(error, field, name);
}

/* "text ${attribute} text" into parts; "$${" stands for "${". */
static int compile(transform *t, sluice_view text, operation *op, const char *field, sluice_error *error) {
  const uint8_t *p = text.data, *end = p + text.size;
  op->part = t->part_count;
  for (uint64_t i = 0; i < text.size; i++)
    if (p[i] < 0x20 || p[i] == 0x7f) return fail(error, field, "control characters are not allowed in a header value");
  while (p < end) {
    if (t->part_count == PARTS_MAX) return fail(error, field, "more than 1024 parts in all templates");
    part *out = &t->parts[t->part_count++];
    const uint8_t *hit = memmem(p, (size_t)(end - p), "${", 2);
    if (hit != p) {
      const uint8_t *stop = hit ? hit : end;
      int escaped = hit && hit > p && hit[-1] == '$';
      out->kind = PART_TEXT;
      out->text = sluice_view_of(p, (uint64_t)(stop - p)); /* escaped: "$" of "$${", then "{" follows as text */
      p = stop;
      if (escaped) {
        if (t->part_count == PARTS_MAX) return fail(error, field, "more than 1024 parts in all templates");
        part *brace = &t->parts[t->part_count++];
        brace->kind = PART_TEXT;
        brace->text = sluice_view_of(hit + 1, 1);
        p = hit + 2;
      }
      continue;
    }
    const uint8_t *close = memchr(p, '}', (size_t)(end - p));
    if (!close) return fail(error, field, "\"${\" without \"}\"; write \"$${\" for the characters themselves");
    if (!compile_reference(out, sluice_view_of(p + 2, (uint64_t)(close - p - 2)), field, error)) return 0;
    p = close + 1;
  }
  op->parts = t->part_count - op->part;
  return 1;
}

/* The value: the literal itself, or rendered into the scratch. Controls of attributes become spaces, white space at the
   ends is cut off, what does not fit is cut off: a client's bytes never make the hook fail. */
static sluice_view render(transform *t, const operation *op, const sluice_request *request) {
  if (op->parts == 1 && t->parts[op->part].kind == PART_TEXT) return t->parts[op->part].text;
  uint64_t n = 0;
  for (uint32_t i = op->part; i < op->part + op->parts; i++) {
    const part *p = &t->parts[i];
    sluice_view v = {0, 0};
    if (p->kind == PART_TEXT) v = p->text;
    else if (p->kind == PART_ATTRIBUTE) request_table->attribute(request, p->attribute, &v);
    else if (p->kind == PART_HEADER) request_table->header(request, p->text, &v);
    else request_table->query(request, p->text, &v);
    if (v.size > VALUE_BYTES_MAX - n) v.size = VALUE_BYTES_MAX - n;
    for (uint64_t b = 0; b < v.size; b++) {
      uint8_t c = v.data[b];
      t->scratch[n++] = (c < 0x20 && c != '\t') || c == 0x7f ? ' ' : c;
    }
  }
  uint64_t start = 0;
  while (start < n && (t->scratch[start] == ' ' || t->scratch[start] == '\t')) start++;
  while (n > start && (t->scratch[n - 1] == ' ' || t->scratch[n - 1] == '\t')) n--;
  return sluice_view_of(t->scratch + start, n - start);
}

/* ---- configure ---- */

/* Decodes a string value into `texts`. */
static int keep(transform *t, const sluice_json *value, sluice_view *out) {
  int64_t n = sluice_json_text(value, t->texts + t->used, value->size);
  if (n < 0) return 0;
  *out = sluice_view_of(t->texts + t->used, (uint64_t)n);
  t->used += (uint64_t)n;
  return 1;
}

static int keep_name(transform *t, const sluice_json *value, sluice_view *out, const char *field, sluice_error *error) {
  static const char *const owned[] = {"host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
      "upgrade", "content-length", "expect"};
  if (!keep(t, value, out) || out->size < 1 || out->size > NAME_BYTES_MAX) return fail(error, field, "a header name of 1 to 256 bytes is needed");
  for (uint64_t i = 0; i < out->size; i++) {
    char c = (char)out->data[i], l = (char)(c | 32);
    if (!(c >= '0' && c <= '9') && !(l >= 'a' && l <= 'z') && (!c || !strchr("!#$%&'*+-.^_`|~", c))) {
      sluice_error_write(error, field);
      sluice_error_write(error, ": \"");
      sluice_error_write_view(error, *out);
      return fail(error, "\"", "a header name is letters, digits and !#$%&'*+-.^_`|~");
    }
  }
  for (uint32_t k = 0; k < sizeof owned / sizeof *owned; k++) {
    if (strlen(owned[k]) != out->size || strncasecmp(owned[k], (const char *)out->data, out->size)) continue;
    sluice_error_write(error, field);
    sluice_error_write(error, ": ");
    return fail(error, owned[k], "the gateway itself writes this field");
  }
  return 1;
}

static operation *next_operation(side *s, uint32_t kind, const char *field, sluice_error *error) {
  if (s->count == OPERATIONS_MAX) {
    fail(error, field, "more than 256 operations");
    return NULL;
  }
  operation *op = &s->operations[s->count++];
  op->kind = kind;
  return op;
}

/* One "name": "template" of set and add, or "old": "new" of rename. */
static int read_pair(transform *t, side *s, uint32_t kind, const char *field, const sluice_json *key, const sluice_json *value, sluice_error *error) {
  char place[320];
  sluice_view text;
  operation *op = next_operation(s, kind, field, error);
  if (!op || !keep_name(t, key, &op->name, field, error)) return 0;
  snprintf(place, sizeof place, "%s.%.*s", field, (int)op->name.size, (const char *)op->name.data);
  if (kind == RENAME) return keep_name(t, value, &op->other, place, error);
  if (value->type != SLUICE_JSON_STRING || !keep(t, value, &text)) return fail(error, place, kind == ADD
      ? "a string or an array of strings is needed" : "a string is needed");
  if (text.size && (text.data[0] == ' ' || text.data[text.size - 1] == ' ')) return fail(error, place, "white space at the ends is not allowed");
  return compile(t, text, op, place, error);
}

static int read_section(transform *t, side *s, uint32_t kind, const char *field, const sluice_json *section, sluice_error *error) {
  sluice_json key, value, item;
  if (kind == REMOVE) {
    if (section->type != SLUICE_JSON_ARRAY) return fail(error, field, "an array of header names is needed");
    for (sluice_json_each it = sluice_json_iterate(section); sluice_json_next(&it, NULL, &value);) {
      operation *op = next_operation(s, REMOVE, field, error);
      if (!op || !keep_name(t, &value, &op->name, field, error)) return 0;
    }
    return 1;
  }
  if (section->type != SLUICE_JSON_OBJECT) return fail(error, field, kind == RENAME
      ? "an object of old and new names is needed" : "an object of names and templates is needed");
  for (sluice_json_each it = sluice_json_iterate(section); sluice_json_next(&it, &key, &value);) {
    if (kind != ADD || value.type != SLUICE_JSON_ARRAY) {
      if (!read_pair(t, s, kind, field, &key, &value, error)) return 0;
      continue;
    }
    for (sluice_json_each each = sluice_json_iterate(&value); sluice_json_next(&each, NULL, &item);)
      if (!read_pair(t, s, kind, field, &key, &item, error)) return 0;
  }
  return 1;
}

static int read_side(transform *t, side *s, const char *name, const sluice_json *config, sluice_error *error) {
  static const char *const kinds[KINDS] = {"rename", "set", "add", "remove"};
  sluice_json object, key, value;
  char field[64];
  if (!sluice_json_get(config, name, &object)) return 1;
  if (object.type != SLUICE_JSON_OBJECT) return fail(error, name, "an object with set, add, rename, remove is needed");
  for (sluice_json_each it = sluice_json_iterate(&object); sluice_json_next(&it, &key, &value);) {
    uint32_t k = 0;
    while (k < KINDS && !sluice_json_is(&key, kinds[k])) k++;
    if (k < KINDS) continue;
    sluice_error_write(error, name);
    sluice_error_write(error, ".");
    sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
    sluice_error_write(error, ": unknown; known: set add rename remove");
    return 0;
  }
  for (uint32_t k = 0; k < KINDS; k++) {
    snprintf(field, sizeof field, "%s.%s", name, kinds[k]);
    if (sluice_json_get(&object, kinds[k], &value) && !read_section(t, s, k, field, &value, error)) return 0;
  }
  return 1;
}

static int32_t configure(void *state, sluice_view text, void **instance, sluice_error *error) {
  sluice_json config = sluice_json_parse(text), key, value;
  (void)state;
  for (sluice_json_each it = sluice_json_iterate(&config); sluice_json_next(&it, &key, &value);) {
    if (sluice_json_is(&key, "request") || sluice_json_is(&key, "response")) continue;
    sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
    sluice_error_write(error, ": unknown; known: request response");
    return SLUICE_EINVAL;
  }
  /* Names of an array under "add" are decoded once per element: never more than text² but bounded by the operations. */
  transform *t = calloc(1, sizeof *t + text.size + (uint64_t)OPERATIONS_MAX * NAME_BYTES_MAX);
  if (!t) return SLUICE_ENOMEM;
  if (!read_side(t, &t->request, "request", &config, error) || !read_side(t, &t->response, "response", &config, error)) {
    free(t);
    return SLUICE_EINVAL;
  }
  *instance = t;
  return SLUICE_OK;
}

static void release(void *state, void *instance) {
  (void)state;
  free(instance);
}

/* ---- hooks ---- */

static int32_t rewrite(void *instance, sluice_request *request) {
  transform *t = instance;
  for (uint32_t i = 0; i < t->request.count; i++) {
    const operation *op = &t->request.operations[i];
    int32_t status = SLUICE_OK;
    sluice_view v;
    switch (op->kind) {
      case SET: status = edit_table->set_header(request, op->name, render(t, op, request)); break;
      case ADD: status = edit_table->add_header(request, op->name, render(t, op, request)); break;
      case REMOVE: status = edit_table->remove_header(request, op->name); break;
      default:
        if ((status = request_table->header(request, op->name, &v)) < 0) break;
        if ((status = edit_table->set_header(request, op->other, v)) < 0) break;
        status = edit_table->remove_header(request, op->name);
    }
    if (status < 0 && status != SLUICE_ENOTFOUND) return status;
  }
  return SLUICE_CONTINUE;
}

static int32_t header_filter(void *instance, sluice_response *response) {
  transform *t = instance;
  const sluice_request *request = response_table->request(response);
  for (uint32_t i = 0; i < t->response.count; i++) {
    const operation *op = &t->response.operations[i];
    int32_t status = SLUICE_OK;
    sluice_view v;
    switch (op->kind) {
      case SET: status = response_table->set_header(response, op->name, render(t, op, request)); break;
      case ADD: status = response_table->add_header(response, op->name, render(t, op, request)); break;
      case REMOVE: status = response_table->remove_header(response, op->name); break;
      default:
        if ((status = response_table->header(response, op->name, &v)) < 0) break;
        if ((status = response_table->set_header(response, op->other, v)) < 0) break;
        status = response_table->remove_header(response, op->name);
    }
    if (status < 0 && status != SLUICE_ENOTFOUND) return status;
  }
  return SLUICE_CONTINUE;
}

/* ---- entry ---- */

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  edit_table = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  response_table = host->get_extension(host, SLUICE_RESPONSE_1);
  return request_table && edit_table && response_table ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .rewrite = rewrite,
      .header_filter = header_filter};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST(
    "{\"name\":\"header-transform\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"c\","
    "\"phases\":[\"rewrite\",\"header_filter\"],"
    "\"needs\":[\"sluice.request/1\",\"sluice.request-edit/1\",\"sluice.response/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"request\":{\"$ref\":\"#/$defs/side\"},"
    "\"response\":{\"$ref\":\"#/$defs/side\"}},\"$defs\":{\"side\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"set\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"add\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"array\"]}},"
    "\"rename\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"remove\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}}")
