/* Decrypts request bodies on their way to the upstream and encrypts response bodies on their way back: the upstream speaks plain text, the
   network sees none. The format on the wire is sealed_stream.h; README.md tells it and the configuration.
   Order of the file: state, configure, request, response, entry. */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "sealed_stream.h"
#include <sluice/json_text.h>
#include <stdlib.h>

#define CODING "x-aes256gcm"
enum { KEYS_MAX = 16, PIECES_MAX = 64, SCRATCH_KEPT_BYTES_MAX = 262144 };

static const sluice_host *the_host;
static const sluice_request_v1 *request_table;
static const sluice_request_edit_v1 *edit_table;
static const sluice_request_body_v1 *request_body_table;
static const sluice_answer_v1 *answer_table;
static const sluice_response_v1 *response_table;
static const sluice_body_v1 *body_table;
static const sluice_exchange_log_v1 *log_table;
static const sluice_memory_v1 *memory_table;
static const sluice_variables_v1 *variables_table;
static const sluice_crypto_v1 *crypto;
static uint32_t stream_variable; /* holds the address of the response's sealed_stream */

/* ---- state: one instance per configuration ---- */

typedef struct body_crypt {
  uint32_t key_count, required;
  uint8_t *scratch; /* hooks of a worker run one at a time and none waits while it uses this */
  uint64_t scratch_room;
  master_key keys[KEYS_MAX]; /* the first one seals; all open */
} body_crypt;

static uint8_t *scratch(body_crypt *crypt, uint64_t bytes) {
  if (bytes <= crypt->scratch_room) return crypt->scratch;
  uint8_t *grown = malloc(bytes); /* no realloc: it would leave plain text behind */
  if (!grown) return NULL;
  if (crypt->scratch) explicit_bzero(crypt->scratch, crypt->scratch_room);
  free(crypt->scratch);
  crypt->scratch = grown;
  crypt->scratch_room = bytes;
  return grown;
}

/* After a body: what was plain is wiped, and a large block is not kept. */
static void wipe(body_crypt *crypt, uint64_t used) {
  explicit_bzero(crypt->scratch, used);
  if (crypt->scratch_room <= SCRATCH_KEPT_BYTES_MAX) return;
  free(crypt->scratch);
  crypt->scratch = NULL;
  crypt->scratch_room = 0;
}

/* ---- configure ---- */

static int32_t refuse(sluice_error *error, const char *field, const char *problem) {
  sluice_error_write(error, field);
  sluice_error_write(error, ": ");
  sluice_error_write(error, problem);
  return SLUICE_EINVAL;
}

static int32_t read_key(body_crypt *crypt, const sluice_json *entry, sluice_error *error) {
  char text[256];
  uint8_t bytes[64];
  sluice_json id, key;
  if (crypt->key_count == KEYS_MAX) return refuse(error, "keys", "at most 16 keys are allowed");
  master_key *k = &crypt->keys[crypt->key_count];
  int64_t n = sluice_json_get(entry, "id", &id) && id.size < sizeof text ? sluice_json_text(&id, text, sizeof text) : -1;
  if (n < 1 || n > KEY_ID_BYTES_MAX) return refuse(error, "keys[].id", "a string of 1 to 64 bytes is needed");
  memcpy(k->id, text, k->id_size = (uint32_t)n);
  for (uint32_t i = 0; i < crypt->key_count; i++)
    if (crypt->keys[i].id_size == k->id_size && !memcmp(crypt->keys[i].id, k->id, k->id_size))
      return refuse(error, "keys[].id", "the same id stands there twice");
  n = sluice_json_get(entry, "key", &key) && key.size < sizeof text ? sluice_json_text(&key, text, sizeof text) : -1;
  int32_t size = n < 0 ? -1 : crypto->decode(SLUICE_BASE64, sluice_view_of(text, (uint64_t)n), bytes, sizeof bytes);
  int32_t status = SLUICE_EINVAL;
  if (size != SLUICE_GCM_KEY_BYTES) refuse(error, "keys[].key", "32 bytes in base64 are needed (openssl rand -base64 32)");
  else if ((status = crypto->make_hmac_key(the_host, SLUICE_SHA256, sluice_view_of(bytes, (uint64_t)size), &k->hmac)) < 0)
    refuse(error, "keys[].key", "the host cannot take it");
  else crypt->key_count++;
  explicit_bzero(bytes, sizeof bytes);
  explicit_bzero(text, sizeof text);
  return status;
}

static int32_t read_config(body_crypt *crypt, const sluice_json *config, sluice_error *error) {
  sluice_json key, value, keys, entry;
  for (sluice_json_each it = sluice_json_iterate(config); sluice_json_next(&it, &key, &value);)
    if (!sluice_json_is(&key, "keys") && !sluice_json_is(&key, "required")) {
      sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
      return refuse(error, "", "unknown; known: keys required");
    }
  crypt->required = 1;
  if (sluice_json_get(config, "required", &value)) {
    if (value.type != SLUICE_JSON_TRUE && value.type != SLUICE_JSON_FALSE) return refuse(error, "required", "true or false is needed");
    crypt->required = value.type == SLUICE_JSON_TRUE;
  }
  if (!sluice_json_get(config, "keys", &keys) || keys.type != SLUICE_JSON_ARRAY)
    return refuse(error, "keys", "an array of {id, key} is needed");
  for (sluice_json_each it = sluice_json_iterate(&keys); sluice_json_next(&it, NULL, &entry);) {
    if (entry.type != SLUICE_JSON_OBJECT) return refuse(error, "keys[]", "an object with \"id\" and \"key\" is needed");
    int32_t status = read_key(crypt, &entry, error);
    if (status < 0) return status;
  }
  return crypt->key_count ? SLUICE_OK : refuse(error, "keys", "at least one key is needed");
}

static void release(void *state, void *instance) {
  body_crypt *crypt = instance;
  (void)state;
  for (uint32_t i = 0; i < crypt->key_count; i++) crypto->release(the_host, crypt->keys[i].hmac);
  if (crypt->scratch) explicit_bzero(crypt->scratch, crypt->scratch_room);
  free(crypt->scratch);
  free(crypt);
}

static int32_t configure(void *state, sluice_view text, void **instance, sluice_error *error) {
  sluice_json config = sluice_json_parse(text);
  body_crypt *crypt = calloc(1, sizeof *crypt);
  if (!crypt) return refuse(error, "keys", "no memory");
  int32_t status = read_config(crypt, &config, error);
  if (status < 0) release(state, crypt);
  else *instance = crypt;
  return status;
}

/* ---- request: gather, open, hand on ---- */

/* Is our coding the outermost one of a Content-Encoding field? `*inner` becomes what is left of the field's value without it. */
static int is_sealed(sluice_view field, sluice_view *inner) {
  const uint64_t n = sizeof CODING - 1;
  while (field.size && (field.data[field.size - 1] == ' ' || field.data[field.size - 1] == '\t')) field.size--;
  if (field.size < n) return 0;
  for (uint64_t i = 0; i < n; i++) {
    uint8_t c = field.data[field.size - n + i];
    if ((c >= 'A' && c <= 'Z' ? c | 32 : c) != (uint8_t)CODING[i]) return 0;
  }
  uint64_t left = field.size - n;
  while (left && (field.data[left - 1] == ' ' || field.data[left - 1] == '\t')) left--;
  if (left && field.data[left - 1] != ',') return 0;
  while (left && (field.data[left - 1] == ',' || field.data[left - 1] == ' ' || field.data[left - 1] == '\t')) left--;
  *inner = sluice_view_of(field.data, left);
  return 1;
}

/* Reads the preamble at `*at`; the key's message key is made. SLUICE_EIO: no preamble, or a key that nobody configured. */
static int32_t read_preamble(const body_crypt *crypt, uint8_t **at, const uint8_t *end, sealed_stream *stream) {
  const uint8_t *p = *at;
  if (end - p < 4 + SALT_BYTES + 1 || memcmp(p, STREAM_MAGIC, 4)) return SLUICE_EIO;
  const uint8_t *salt = p + 4, *id = salt + SALT_BYTES + 1;
  uint32_t id_size = salt[SALT_BYTES];
  if (end - id < (ptrdiff_t)id_size) return SLUICE_EIO;
  for (uint32_t i = 0; i < crypt->key_count; i++) {
    const master_key *k = &crypt->keys[i];
    if (k->id_size != id_size || memcmp(k->id, id, id_size)) continue;
    *at += 4 + SALT_BYTES + 1 + id_size;
    return stream_begin(crypto, the_host, k, SLUICE_VIEW("request"), salt, stream);
  }
  return SLUICE_EIO;
}

/* Opens all segments of `bytes` in place and pushes the plain text together at its start. Returns its size, or SLUICE_EIO: not genuine, or
   the end is missing: a body is handed on whole or not at all. */
static int64_t open_all(const body_crypt *crypt, uint8_t *bytes, uint64_t size) {
  sealed_stream stream;
  sluice_view plain;
  uint8_t *at = bytes, *end = bytes + size, *out = bytes;
  int32_t status = read_preamble(crypt, &at, end, &stream);
  if (status < 0) return status;
  while (status == SLUICE_OK && at < end) {
    status = stream_open(crypto, the_host, &stream, &at, end, &plain);
    if (status < 0) break;
    memmove(out, plain.data, plain.size);
    out += plain.size;
  }
  stream_end(crypto, the_host, &stream);
  if (status < 0) return status;
  return stream.is_last ? out - bytes : SLUICE_EIO;
}

static int32_t decrypt(body_crypt *crypt, sluice_request *request, sluice_view inner) {
  sluice_view pieces[PIECES_MAX];
  uint32_t count = 0;
  int32_t status = request_body_table->pieces(request, pieces, PIECES_MAX, &count);
  if (status < 0) return status;
  int64_t total = request_body_table->length(request);
  uint8_t *bytes = scratch(crypt, (uint64_t)total + 1), *p = bytes;
  if (!bytes) return SLUICE_ENOMEM;
  for (uint32_t i = 0; i < count; p += pieces[i++].size) memcpy(p, pieces[i].data, pieces[i].size);
  int64_t plain = open_all(crypt, bytes, (uint64_t)total);
  status = plain < 0 ? (int32_t)plain : request_body_table->replace(request, sluice_view_of(bytes, (uint64_t)plain));
  wipe(crypt, (uint64_t)total);
  if (status == SLUICE_EIO) return answer_table->respond(request, 400, SLUICE_VIEW("the sealed body is not genuine or not complete\n"));
  if (status < 0) return status;
  if (inner.size) return edit_table->set_header(request, SLUICE_VIEW("Content-Encoding"), inner);
  return edit_table->remove_header(request, SLUICE_VIEW("Content-Encoding"));
}

/* A part of a response has no meaning once it is sealed with a new key each time: ask for the whole. */
static int32_t forget_ranges(sluice_request *request) {
  int32_t status = edit_table->remove_header(request, SLUICE_VIEW("Range"));
  if (status == SLUICE_OK || status == SLUICE_ENOTFOUND) status = edit_table->remove_header(request, SLUICE_VIEW("If-Range"));
  return status == SLUICE_ENOTFOUND ? SLUICE_OK : status;
}

static int32_t access_hook(void *instance, sluice_request *request) {
  body_crypt *crypt = instance;
  sluice_view field, inner;
  int32_t status = forget_ranges(request);
  if (status < 0) return status;
  if (request_table->header(request, SLUICE_VIEW("Content-Encoding"), &field) < 0 || !is_sealed(field, &inner)) {
    if (!crypt->required || request_body_table->length(request) == 0) return SLUICE_CONTINUE;
    status = answer_table->add_header(request, SLUICE_VIEW("Accept-Encoding"), SLUICE_VIEW(CODING));
    return status < 0 ? status : answer_table->respond(request, 415, SLUICE_VIEW("the body must be sealed: Content-Encoding: " CODING "\n"));
  }
  status = request_body_table->gather(request); /* SLUICE_SUSPEND: called again when the body is there */
  if (status != SLUICE_OK) return status;
  /* The views are void after a wait: asked again. */
  if (request_table->header(request, SLUICE_VIEW("Content-Encoding"), &field) < 0 || !is_sealed(field, &inner)) return SLUICE_EFAULT;
  return decrypt(crypt, request, inner);
}

/* ---- response: seal what passes by ---- */

/* The stream of this response, or NULL when it is not sealed. */
static sealed_stream *stream_of(const sluice_request *request) {
  sluice_request_view value;
  sealed_stream *stream;
  if (variables_table->get(request, stream_variable, &value) < 0 || value.size != sizeof stream) return NULL;
  memcpy(&stream, value.data, sizeof stream);
  return stream;
}

static int has_body(const sluice_response *response) {
  sluice_view method;
  uint32_t status = response_table->status(response);
  if (status == 204 || status == 304) return 0;
  return request_table->attribute(response_table->request(response), SLUICE_ATTRIBUTE_METHOD, &method) == SLUICE_OK &&
         !(method.size == 4 && !memcmp(method.data, "HEAD", 4));
}

/* A body of no bytes passes no body filter, so there is nothing to seal it. */
static int is_empty(const sluice_response *response) {
  sluice_view length;
  return response_table->header(response, SLUICE_VIEW("Content-Length"), &length) == SLUICE_OK && length.size == 1 && *length.data == '0';
}

/* Content-Encoding gets our coding behind what is there; a strong ETag becomes a weak one, for no two sealed bodies are alike. */
static int32_t mark(sluice_response *response) {
  char text[512];
  sluice_view old;
  static const char coding[] = ", " CODING, weak[] = "W/";
  uint64_t n = 0;
  if (response_table->header(response, SLUICE_VIEW("Content-Encoding"), &old) == SLUICE_OK && old.size) {
    if (old.size > sizeof text - sizeof coding) return SLUICE_ELIMIT;
    memcpy(text, old.data, n = old.size);
  }
  const char *add = n ? coding : coding + 2;
  memcpy(text + n, add, strlen(add));
  int32_t status = response_table->set_header(response, SLUICE_VIEW("Content-Encoding"), sluice_view_of(text, n + strlen(add)));
  if (status < 0) return status;
  if (response_table->header(response, SLUICE_VIEW("ETag"), &old) == SLUICE_OK && old.size < sizeof text - 2 &&
      !(old.size > 2 && !memcmp(old.data, weak, 2))) {
    memcpy(text, weak, 2);
    memcpy(text + 2, old.data, old.size);
    status = response_table->set_header(response, SLUICE_VIEW("ETag"), sluice_view_of(text, old.size + 2));
    if (status < 0) return status;
  }
  status = response_table->remove_header(response, SLUICE_VIEW("Accept-Ranges"));
  return status == SLUICE_ENOTFOUND ? SLUICE_OK : status;
}

static int32_t header_filter(void *instance, sluice_response *response) {
  const sluice_request *request = response_table->request(response);
  (void)instance;
  if (is_empty(response)) return SLUICE_CONTINUE;
  int32_t status = mark(response);
  if (status < 0 || !has_body(response)) return status;
  sealed_stream *stream = memory_table->allocate(request, sizeof *stream);
  if (!stream) return SLUICE_ENOMEM;
  *stream = (sealed_stream){0};
  return variables_table->set(request, stream_variable, sluice_view_of(&stream, sizeof stream));
}

/* Makes the message's key and writes the preamble to `out`. Returns its size. */
static int32_t begin(const body_crypt *crypt, sealed_stream *stream, uint8_t *out) {
  const master_key *k = &crypt->keys[0];
  uint8_t *salt = out + 4;
  memcpy(out, STREAM_MAGIC, 4);
  int32_t status = crypto->random(salt, SALT_BYTES);
  if (status >= 0) status = stream_begin(crypto, the_host, k, SLUICE_VIEW("response"), salt, stream);
  if (status < 0) return status;
  salt[SALT_BYTES] = (uint8_t)k->id_size;
  memcpy(salt + SALT_BYTES + 1, k->id, k->id_size);
  return (int32_t)(4 + SALT_BYTES + 1 + k->id_size);
}

/* Every chunk leaves at once as one segment or more; an empty one only at the end. */
static int32_t body_filter(void *instance, sluice_body *body) {
  body_crypt *crypt = instance;
  sealed_stream *stream = stream_of(body_table->request(body));
  sluice_view chunk;
  int32_t status = body_table->chunk(body, &chunk);
  if (status < 0) return status;
  if (!stream) return SLUICE_CONTINUE;
  uint32_t is_last = body_table->is_last(body);
  if (!chunk.size && !is_last) return SLUICE_CONTINUE;
  uint8_t *out = scratch(crypt, PREAMBLE_BYTES_MAX + chunk.size + (chunk.size / SEGMENT_BYTES_MAX + 1) * SEGMENT_OVERHEAD);
  if (!out) return SLUICE_ENOMEM;
  int32_t used = stream->key ? 0 : begin(crypt, stream, out);
  if (used < 0) return used;
  do {
    uint64_t size = chunk.size < SEGMENT_BYTES_MAX ? chunk.size : SEGMENT_BYTES_MAX;
    status = stream_seal(crypto, the_host, stream, sluice_view_of(chunk.data, size), is_last && size == chunk.size, out + used);
    if (status < 0) return status;
    used += status;
    chunk = sluice_view_of(chunk.data + size, chunk.size - size);
  } while (chunk.size);
  if (is_last) stream_end(crypto, the_host, stream);
  return body_table->replace(body, sluice_view_of(out, (uint64_t)used));
}

/* A response that broke off has a key left. */
static int32_t log_hook(void *instance, sluice_exchange_log *exchange) {
  sealed_stream *stream = stream_of(log_table->request(exchange));
  (void)instance;
  if (stream) stream_end(crypto, the_host, stream);
  return SLUICE_OK;
}

/* ---- entry ---- */

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  the_host = host;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  edit_table = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  request_body_table = host->get_extension(host, SLUICE_REQUEST_BODY_1);
  answer_table = host->get_extension(host, SLUICE_ANSWER_1);
  response_table = host->get_extension(host, SLUICE_RESPONSE_1);
  body_table = host->get_extension(host, SLUICE_BODY_1);
  log_table = host->get_extension(host, SLUICE_EXCHANGE_LOG_1);
  memory_table = host->get_extension(host, SLUICE_MEMORY_1);
  variables_table = host->get_extension(host, SLUICE_VARIABLES_1);
  crypto = host->get_extension(host, SLUICE_CRYPTO_1);
  if (!request_table || !edit_table || !request_body_table || !answer_table || !response_table || !body_table || !log_table ||
      !memory_table || !variables_table || !crypto)
    return SLUICE_ENOTFOUND;
  int32_t number = variables_table->number(host, SLUICE_VIEW("body_crypt.stream"));
  stream_variable = (uint32_t)number;
  return number < 0 ? number : SLUICE_OK;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .access = access_hook,
                                          .header_filter = header_filter, .body_filter = body_filter, .log = log_hook};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST(
    "{\"name\":\"body-crypt\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"c\","
    "\"phases\":[\"access\",\"header_filter\",\"body_filter\",\"log\"],\"concurrency\":\"suspend\","
    "\"needs\":[\"sluice.request/1\",\"sluice.request-edit/1\",\"sluice.request-body/1\",\"sluice.answer/1\",\"sluice.response/1\","
    "\"sluice.body/1\",\"sluice.exchange-log/1\",\"sluice.memory/1\",\"sluice.variables/1\",\"sluice.crypto/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"keys\"],\"properties\":{"
    "\"required\":{\"type\":\"boolean\",\"default\":true},"
    "\"keys\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":16,\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\",\"key\"],\"properties\":{\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
    "\"key\":{\"type\":\"string\",\"minLength\":44,\"maxLength\":44}}}}}}}")
