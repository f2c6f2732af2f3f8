/* Sends a request to the cluster that belongs to the value of a cookie. Only configured values and clusters count: what a client writes
   into its cookie never names a cluster by itself. README.md tells the configuration. Order of the file: state, configure, hook, entry. */
#include <sluice/json_text.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, VALUE_BYTES_MAX = 128, CLUSTER_BYTES_MAX = 128, RULES_MAX = 64, HEADERS_MAX = 128 };

static const sluice_request_v1 *request_table;
static const sluice_cluster_v1 *cluster_table;

/* ---- state: one instance per configuration ---- */

typedef struct rule {
  char value[VALUE_BYTES_MAX], cluster[CLUSTER_BYTES_MAX];
  uint32_t value_size, cluster_size;
} rule;

typedef struct cookie_router {
  char cookie[NAME_BYTES_MAX];
  uint32_t cookie_size;
  uint32_t count;
  rule rules[RULES_MAX];
} cookie_router;

/* ---- configure ---- */

static int32_t refuse(sluice_error *error, const char *field, const char *problem) {
  sluice_error_write(error, field);
  sluice_error_write(error, ": ");
  sluice_error_write(error, problem);
  return SLUICE_EINVAL;
}

/* Copies a string value of 1 … max bytes. */
static int copy_text(const sluice_json *value, char *out, uint32_t max, uint32_t *size) {
  char text[1024];
  if (value->type != SLUICE_JSON_STRING || value->size > sizeof text) return 0;
  int64_t n = sluice_json_text(value, text, sizeof text);
  if (n < 1 || n > (int64_t)max) return 0;
  memcpy(out, text, (size_t)n);
  *size = (uint32_t)n;
  return 1;
}

/* cookie-octet and token of RFC 6265 section 4.1.1: what can stand in a Cookie field at all. */
static int is_cookie_text(const char *s, uint32_t size, const char *not_allowed) {
  for (uint32_t i = 0; i < size; i++)
    if (s[i] <= 0x20 || s[i] >= 0x7f || strchr(not_allowed, s[i])) return 0;
  return 1;
}

static int32_t read_rule(cookie_router *router, const sluice_json *key, const sluice_json *value, sluice_error *error) {
  if (router->count == RULES_MAX) return refuse(error, "clusters", "at most 64 values are allowed");
  rule *r = &router->rules[router->count];
  if (!copy_text(key, r->value, VALUE_BYTES_MAX, &r->value_size) || !is_cookie_text(r->value, r->value_size, "\",;\\"))
    return refuse(error, "clusters", "a cookie's value has 1 to 128 visible characters without \" , ; \\");
  if (!copy_text(value, r->cluster, CLUSTER_BYTES_MAX, &r->cluster_size)) {
    sluice_error_write(error, "clusters.");
    sluice_error_write_view(error, sluice_view_of(r->value, r->value_size));
    sluice_error_write(error, ": the name of a cluster is needed, 1 to 128 bytes");
    return SLUICE_EINVAL;
  }
  router->count++;
  return SLUICE_OK;
}

static int32_t read_config(cookie_router *router, const sluice_json *config, sluice_error *error) {
  sluice_json key, value, clusters;
  for (sluice_json_each it = sluice_json_iterate(config); sluice_json_next(&it, &key, &value);)
    if (!sluice_json_is(&key, "cookie") && !sluice_json_is(&key, "clusters")) {
      sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
      return refuse(error, "", "unknown; known: cookie clusters");
    }
  if (!sluice_json_get(config, "cookie", &value) || !copy_text(&value, router->cookie, NAME_BYTES_MAX, &router->cookie_size) ||
      !is_cookie_text(router->cookie, router->cookie_size, "()<>@,;:\\\"/[]?={}"))
    return refuse(error, "cookie", "the name of a cookie is needed: 1 to 64 characters of a token");
  if (!sluice_json_get(config, "clusters", &clusters) || clusters.type != SLUICE_JSON_OBJECT)
    return refuse(error, "clusters", "an object {value of the cookie: cluster} is needed");
  for (sluice_json_each it = sluice_json_iterate(&clusters); sluice_json_next(&it, &key, &value);)
    if (read_rule(router, &key, &value, error) < 0) return SLUICE_EINVAL;
  return router->count ? SLUICE_OK : refuse(error, "clusters", "at least one value is needed");
}

static int32_t configure(void *state, sluice_view text, void **instance, sluice_error *error) {
  sluice_json config = sluice_json_parse(text);
  cookie_router *router = calloc(1, sizeof *router);
  (void)state;
  if (!router) return refuse(error, "cookie", "no memory");
  if (read_config(router, &config, error) < 0) {
    free(router);
    return SLUICE_EINVAL;
  }
  *instance = router;
  return SLUICE_OK;
}

static void release(void *state, void *instance) {
  (void)state;
  free(instance);
}

/* ---- hook ---- */

static int is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

/* Value of the first cookie of this name within one field (RFC 6265 section 4.2.1: pairs with "; " between them), quotes taken off;
   data NULL when it is not there. Names of cookies are compared as they stand: letters' case counts. */
static sluice_view cookie_value(sluice_view field, const char *name, uint32_t name_size) {
  const uint8_t *p = field.data, *end = p + field.size;
  while (p < end) {
    const uint8_t *stop = memchr(p, ';', (size_t)(end - p));
    if (!stop) stop = end;
    const uint8_t *from = p, *to = stop;
    while (from < to && is_blank(*from)) from++;
    while (to > from && is_blank(to[-1])) to--;
    if ((uint64_t)(to - from) > name_size && from[name_size] == '=' && !memcmp(from, name, name_size)) {
      from += name_size + 1;
      if (to - from >= 2 && *from == '"' && to[-1] == '"') from++, to--;
      return sluice_view_of(from, (uint64_t)(to - from));
    }
    p = stop + 1;
  }
  return sluice_view_of(NULL, 0);
}

static const rule *find(const cookie_router *router, sluice_view value) {
  for (uint32_t i = 0; i < router->count; i++)
    if (router->rules[i].value_size == value.size && !memcmp(router->rules[i].value, value.data, value.size)) return &router->rules[i];
  return NULL;
}

static int is_cookie_field(const sluice_header *field) {
  static const char name[] = "cookie";
  if (field->name.size != sizeof name - 1) return 0;
  for (uint32_t i = 0; i < sizeof name - 1; i++)
    if ((field->name.data[i] | 32) != name[i]) return 0;
  return 1;
}

/* The first cookie of the name decides, also when a client sends several Cookie fields. A cookie with a value that nobody configured, or
   none: the route's own cluster. */
static int32_t choose(void *instance, sluice_request *request) {
  const cookie_router *router = instance;
  sluice_header fields[HEADERS_MAX];
  uint32_t count;
  int32_t status = request_table->headers(request, fields, HEADERS_MAX, &count);
  if (status < 0 && status != SLUICE_ELIMIT) return status;
  for (uint32_t i = 0; i < count && i < HEADERS_MAX; i++) {
    if (!is_cookie_field(&fields[i])) continue;
    sluice_view value = cookie_value(fields[i].value, router->cookie, router->cookie_size);
    if (!value.data) continue;
    const rule *r = find(router, value);
    if (!r) return SLUICE_CONTINUE;
    /* A cluster that is gone from the configuration is an error: the failure mode says what the client gets. */
    return cluster_table->choose(request, sluice_view_of(r->cluster, r->cluster_size));
  }
  return SLUICE_CONTINUE;
}

/* ---- entry ---- */

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  cluster_table = host->get_extension(host, SLUICE_CLUSTER_1);
  return request_table && cluster_table ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release};
  static const sluice_routing_v1 routing = {.size = sizeof routing, .choose = choose};
  (void)state;
  if (!strcmp(id, SLUICE_FILTER_1)) return &filter;
  return strcmp(id, SLUICE_ROUTING_1) ? NULL : &routing;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST(
    "{\"name\":\"cookie-router\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"c\","
    "\"phases\":[\"routing\"],\"needs\":[\"sluice.request/1\",\"sluice.cluster/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"cookie\",\"clusters\"],\"properties\":{"
    "\"cookie\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
    "\"clusters\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128}}}}}")
