/* Lets a request pass when it carries a known key in a header or a query argument: 401 without a key, 403 with a wrong one.
   README.md tells the configuration. Order of the file: state, configure, hook, entry. */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include <sluice/json_text.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 256, CONSUMER_BYTES_MAX = 128, KEYS_MAX = 10000, NAME_BYTES_MAX = 64 };

static const sluice_request_v1 *request_table;
static const sluice_request_edit_v1 *edit_table;
static const sluice_answer_v1 *answer_table;

/* ---- state: one instance per configuration ---- */

typedef struct credential {
  uint8_t key[KEY_BYTES_MAX]; /* padded with zeros, so that every comparison reads the same bytes */
  uint32_t key_size;
  uint32_t consumer_size;
  char consumer[CONSUMER_BYTES_MAX];
} credential;

typedef struct key_auth {
  char header[NAME_BYTES_MAX], query[NAME_BYTES_MAX];
  uint32_t header_size, query_size; /* 0: not looked at */
  uint32_t hide;
  uint32_t width; /* bytes that are compared: the longest key, rounded up to a word */
  uint32_t count;
  credential credentials[];
} key_auth;

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

static int is_name(const char *s, uint32_t size, const char *more) {
  for (uint32_t i = 0; i < size; i++) {
    char c = s[i], l = (char)(c | 32);
    if (!(c >= '0' && c <= '9') && !(l >= 'a' && l <= 'z') && (!c || !strchr(more, c))) return 0;
  }
  return size > 0;
}

static int known_members(const sluice_json *object, const char *const *known, const char *where, const char *list, sluice_error *error) {
  sluice_json key, value;
  for (sluice_json_each it = sluice_json_iterate(object); sluice_json_next(&it, &key, &value);) {
    const char *const *k = known;
    while (*k && !sluice_json_is(&key, *k)) k++;
    if (*k) continue;
    sluice_error_write(error, where);
    sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
    sluice_error_write(error, ": unknown; known: ");
    sluice_error_write(error, list);
    return 0;
  }
  return 1;
}

static int32_t read_places(key_auth *k, const sluice_json *config, sluice_error *error) {
  sluice_json v;
  int has_query = sluice_json_get(config, "query", &v);
  if (has_query && (!copy_text(&v, k->query, NAME_BYTES_MAX, &k->query_size) || !is_name(k->query, k->query_size, "-_.")))
    return refuse(error, "query", "1 to 64 letters, digits, - _ or . are needed");
  if (sluice_json_get(config, "header", &v)) {
    if (!copy_text(&v, k->header, NAME_BYTES_MAX, &k->header_size) || !is_name(k->header, k->header_size, "-"))
      return refuse(error, "header", "1 to 64 letters, digits or - are needed");
  } else if (!has_query) {
    memcpy(k->header, "x-api-key", k->header_size = 9);
  }
  k->hide = 1;
  if (sluice_json_get(config, "hide", &v)) {
    if (v.type != SLUICE_JSON_TRUE && v.type != SLUICE_JSON_FALSE) return refuse(error, "hide", "true or false is needed");
    k->hide = v.type == SLUICE_JSON_TRUE;
  }
  return SLUICE_OK;
}

static int32_t read_key(key_auth *k, const sluice_json *entry, sluice_error *error) {
  static const char *const known[] = {"key", "consumer", NULL};
  char field[64];
  credential *c = &k->credentials[k->count];
  sluice_json v;
  snprintf(field, sizeof field, "keys[%u]", k->count);
  if (entry->type != SLUICE_JSON_OBJECT) return refuse(error, field, "an object with \"key\" and \"consumer\" is needed");
  snprintf(field, sizeof field, "keys[%u].", k->count);
  if (!known_members(entry, known, field, "key consumer", error)) return SLUICE_EINVAL;
  snprintf(field, sizeof field, "keys[%u].key", k->count);
  if (!sluice_json_get(entry, "key", &v) || !copy_text(&v, (char *)c->key, KEY_BYTES_MAX, &c->key_size))
    return refuse(error, field, "a string of 1 to 256 bytes is needed");
  for (uint32_t i = 0; i < k->count; i++)
    if (k->credentials[i].key_size == c->key_size && !memcmp(k->credentials[i].key, c->key, c->key_size))
      return refuse(error, field, "the same key stands there twice");
  snprintf(field, sizeof field, "keys[%u].consumer", k->count);
  if (!sluice_json_get(entry, "consumer", &v) || !copy_text(&v, c->consumer, CONSUMER_BYTES_MAX, &c->consumer_size) ||
      !is_name(c->consumer, c->consumer_size, "-_.@"))
    return refuse(error, field, "1 to 128 letters, digits, - _ . or @ are needed");
  uint32_t width = (c->key_size + 7) & ~7u;
  if (width > k->width) k->width = width;
  k->count++;
  return SLUICE_OK;
}

static int32_t configure(void *state, sluice_view text, void **instance, sluice_error *error) {
  static const char *const known[] = {"header", "query", "keys", "hide", NULL};
  sluice_json config = sluice_json_parse(text), keys, entry;
  uint32_t count = 0;
  (void)state;
  if (!known_members(&config, known, "", "header query keys hide", error)) return SLUICE_EINVAL;
  if (!sluice_json_get(&config, "keys", &keys) || keys.type != SLUICE_JSON_ARRAY) return refuse(error, "keys",
      "an array of {key, consumer} is needed");
  for (sluice_json_each it = sluice_json_iterate(&keys); sluice_json_next(&it, NULL, &entry);) count++;
  if (count < 1 || count > KEYS_MAX) return refuse(error, "keys", "1 to 10000 entries are needed");
  key_auth *k = calloc(1, sizeof *k + count * sizeof(credential));
  if (!k) return refuse(error, "keys", "no memory");
  int32_t status = read_places(k, &config, error);
  for (sluice_json_each it = sluice_json_iterate(&keys); status == SLUICE_OK && sluice_json_next(&it, NULL, &entry);) status = read_key(k,
      &entry, error);
  if (status < 0) {
    free(k);
    return status;
  }
  *instance = k;
  return SLUICE_OK;
}

static void release(void *state, void *instance) {
  key_auth *k = instance;
  (void)state;
  explicit_bzero(k, sizeof *k + k->count * sizeof(credential));
  free(k);
}

/* ---- hook ---- */

/* The credential with this key, or NULL. Reads the same bytes of every credential whatever the key is, so that the time
   tells nothing about how much of a guess was right. */
static const credential *find(const key_auth *k, sluice_view given) {
  uint64_t guess[KEY_BYTES_MAX / 8] = {0};
  uint64_t chosen = UINT64_MAX;
  memcpy(guess, given.data, given.size < KEY_BYTES_MAX ? given.size : KEY_BYTES_MAX);
  for (uint32_t i = 0; i < k->count; i++) {
    const credential *c = &k->credentials[i];
    uint64_t difference = c->key_size ^ given.size;
    for (uint32_t w = 0; w < k->width / 8; w++) {
      uint64_t word;
      memcpy(&word, c->key + 8 * w, 8);
      difference |= word ^ guess[w];
    }
    uint64_t same = ((difference | (0 - difference)) >> 63) - 1; /* all ones when difference is 0 */
    chosen = (chosen & ~same) | (i & same);
  }
  explicit_bzero(guess, sizeof guess);
  return chosen == UINT64_MAX ? NULL : &k->credentials[chosen];
}

static int32_t access_hook(void *instance, sluice_request *request) {
  const key_auth *k = instance;
  sluice_view header = sluice_view_of(k->header, k->header_size), query = sluice_view_of(k->query, k->query_size), given;
  int32_t found = SLUICE_ENOTFOUND;
  if (k->header_size) found = request_table->header(request, header, &given);
  if (found < 0 && k->query_size) found = request_table->query(request, query, &given);
  if (found == SLUICE_ENOMEM) return found;
  if (found < 0 || !given.size) {
    int32_t status = answer_table->add_header(request, SLUICE_VIEW("WWW-Authenticate"), SLUICE_VIEW("ApiKey realm=\"api\""));
    return status < 0 ? status : answer_table->respond(request, 401, SLUICE_VIEW("an API key is needed\n"));
  }
  const credential *c = find(k, given);
  if (!c) return answer_table->respond(request, 403, SLUICE_VIEW("this API key is not known\n"));
  sluice_view consumer = sluice_view_of(c->consumer, c->consumer_size);
  int32_t status = edit_table->set_consumer(request, consumer);
  if (status == SLUICE_OK) status = edit_table->set_header(request, SLUICE_VIEW("X-Consumer"), consumer);
  if (k->hide && k->header_size && status == SLUICE_OK) status = edit_table->remove_header(request, header);
  if (status == SLUICE_ENOTFOUND) status = SLUICE_OK; /* the key came in the query */
  if (k->hide && k->query_size && status == SLUICE_OK) status = edit_table->remove_query(request, query);
  return status == SLUICE_ENOTFOUND ? SLUICE_CONTINUE : status; /* fail rather than pass a credential on */
}

/* ---- entry ---- */

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  edit_table = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  answer_table = host->get_extension(host, SLUICE_ANSWER_1);
  return request_table && edit_table && answer_table ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .access = access_hook};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST(
    "{\"name\":\"key-auth\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"c\","
    "\"phases\":[\"access\"],"
    "\"needs\":[\"sluice.request/1\",\"sluice.request-edit/1\",\"sluice.answer/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"keys\"],\"properties\":{"
    "\"header\":{\"type\":\"string\"},\"query\":{\"type\":\"string\"},\"hide\":{\"type\":\"boolean\",\"default\":true},"
    "\"keys\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":10000,\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"key\",\"consumer\"],\"properties\":{\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":256},"
    "\"consumer\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128}}}}}}}")
