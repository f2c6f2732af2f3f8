/* Asks Redis who an API key belongs to: the value of `prefix` + key is the consumer's name. It shows how a C client library with a
   non-blocking mode (hiredis) works on a fiber: io->wait_fd parks where the library would have blocked, the worker serves others.
   README.md tells the configuration. Order of the file: state, configure, connections, hook, entry. */
#define _DEFAULT_SOURCE
#include <hiredis/hiredis.h>
#include <sluice/json_text.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDRESS_BYTES_MAX = 256, NAME_BYTES_MAX = 64, PREFIX_BYTES_MAX = 64, KEY_BYTES_MAX = 256, CONSUMER_BYTES_MAX = 128, IDLE_MAX = 16 };

static const sluice_host *the_host;
static const sluice_request_v1 *request_table;
static const sluice_request_edit_v1 *edit_table;
static const sluice_answer_v1 *answer_table;
static const sluice_io_v1 *io_table;
static const sluice_loop_v1 *loop_table;

/* ---- state: one instance per configuration ---- */

typedef struct lookup {
  char address[ADDRESS_BYTES_MAX], header[NAME_BYTES_MAX], prefix[PREFIX_BYTES_MAX];
  uint32_t address_size, header_size, prefix_size;
  uint32_t timeout_ms;
  uint32_t is_down;    /* so that an outage is one line in the log, not one a request */
  uint32_t idle_count; /* connections that nobody uses, the last used on top */
  redisContext *idle[IDLE_MAX];
} lookup;

/* ---- configure ---- */

static int32_t refuse(sluice_error *error, const char *field, const char *problem) {
  sluice_error_write(error, field);
  sluice_error_write(error, ": ");
  sluice_error_write(error, problem);
  return SLUICE_EINVAL;
}

/* Copies a string member of 1 … max bytes; 0 when it is there and is none. */
static int copy_text(const sluice_json *config, const char *name, char *out, uint32_t max, uint32_t *size) {
  char text[1024];
  sluice_json value;
  if (!sluice_json_get(config, name, &value)) return 1;
  if (value.size > sizeof text) return 0;
  int64_t n = sluice_json_text(&value, text, sizeof text);
  if (n < 1 || n > (int64_t)max) return 0;
  memcpy(out, text, (size_t)n);
  *size = (uint32_t)n;
  return 1;
}

static int read_timeout(const sluice_json *config, uint32_t *out) {
  sluice_json value;
  uint64_t n = 0;
  if (!sluice_json_get(config, "timeout_ms", &value)) return 1;
  if (value.type != SLUICE_JSON_NUMBER || value.size > 5) return 0;
  for (uint64_t i = 0; i < value.size; i++) {
    if (value.text[i] < '0' || value.text[i] > '9') return 0;
    n = n * 10 + (uint64_t)(value.text[i] - '0');
  }
  *out = (uint32_t)n;
  return n >= 1 && n <= 60000;
}

static int is_name(const char *s, uint32_t size, const char *more) {
  for (uint32_t i = 0; i < size; i++) {
    char c = s[i], l = (char)(c | 32);
    if (!(c >= '0' && c <= '9') && !(l >= 'a' && l <= 'z') && (!c || !strchr(more, c))) return 0;
  }
  return size > 0;
}

static int32_t read_config(lookup *l, const sluice_json *config, sluice_error *error) {
  static const char *const known[] = {"address", "header", "prefix", "timeout_ms", NULL};
  sluice_json key, value;
  for (sluice_json_each it = sluice_json_iterate(config); sluice_json_next(&it, &key, &value);) {
    const char *const *k = known;
    while (*k && !sluice_json_is(&key, *k)) k++;
    if (*k) continue;
    sluice_error_write_view(error, sluice_view_of(key.text + 1, key.size - 2));
    return refuse(error, "", "unknown; known: address header prefix timeout_ms");
  }
  if (!copy_text(config, "address", l->address, ADDRESS_BYTES_MAX, &l->address_size))
    return refuse(error, "address", "ADDRESS:PORT, NAME:PORT or unix:/path is needed, at most 256 bytes");
  if (!copy_text(config, "header", l->header, NAME_BYTES_MAX, &l->header_size) || !is_name(l->header, l->header_size, "-"))
    return refuse(error, "header", "1 to 64 letters, digits or - are needed");
  if (!copy_text(config, "prefix", l->prefix, PREFIX_BYTES_MAX, &l->prefix_size))
    return refuse(error, "prefix", "a string of 1 to 64 bytes is needed");
  return read_timeout(config, &l->timeout_ms) ? SLUICE_OK
                                              : refuse(error, "timeout_ms", "a whole number of milliseconds from 1 to 60000 is needed");
}

static void set_text(char *out, uint32_t *size, const char *text) { memcpy(out, text, *size = (uint32_t)strlen(text)); }

static int32_t configure(void *state, sluice_view text, void **instance, sluice_error *error) {
  sluice_json config = sluice_json_parse(text);
  lookup *l = calloc(1, sizeof *l);
  (void)state;
  if (!l) return refuse(error, "address", "no memory");
  set_text(l->address, &l->address_size, "127.0.0.1:6379");
  set_text(l->header, &l->header_size, "x-api-key");
  set_text(l->prefix, &l->prefix_size, "apikey:");
  l->timeout_ms = 500;
  if (read_config(l, &config, error) < 0) {
    free(l);
    return SLUICE_EINVAL;
  }
  *instance = l;
  return SLUICE_OK;
}

static void release(void *state, void *instance) {
  lookup *l = instance;
  (void)state;
  while (l->idle_count) redisFree(l->idle[--l->idle_count]);
  free(l);
}

/* ---- connections: every wait below parks the fiber and ends at `deadline` (of loop->now_ms) ---- */

static uint32_t left(uint64_t deadline) {
  uint64_t now = loop_table->now_ms(the_host);
  return now < deadline ? (uint32_t)(deadline - now) : 1;
}

/* The host connects, for it resolves names without blocking; the library gets the descriptor and the non-blocking mode. */
static int32_t connect_redis(const lookup *l, uint64_t deadline, redisContext **out) {
  int32_t fd;
  int32_t status = io_table->connect(the_host, sluice_view_of(l->address, l->address_size), left(deadline), &fd);
  if (status < 0) return status;
  redisContext *c = redisConnectFd(fd);
  if (!c) {
    close(fd);
    return SLUICE_ENOMEM;
  }
  c->flags &= ~REDIS_BLOCK;
  *out = c;
  return c->err ? SLUICE_EIO : SLUICE_OK;
}

/* Sends what is buffered and waits for one reply. SLUICE_EIO: the connection is of no more use. */
static int32_t exchange(redisContext *c, uint64_t deadline, redisReply **reply) {
  int is_sent = 0;
  int32_t status;
  void *got = NULL;
  while (!is_sent) {
    if (redisBufferWrite(c, &is_sent) != REDIS_OK) return SLUICE_EIO;
    if (!is_sent && (status = io_table->wait_fd(the_host, c->fd, SLUICE_WRITABLE, left(deadline))) < 0) return status;
  }
  for (;;) {
    if (redisGetReplyFromReader(c, &got) != REDIS_OK) return SLUICE_EIO;
    if (got) break;
    if ((status = io_table->wait_fd(the_host, c->fd, SLUICE_READABLE, left(deadline))) < 0) return status;
    if (redisBufferRead(c) != REDIS_OK) return SLUICE_EIO;
  }
  *reply = got;
  return SLUICE_OK;
}

/* One GET on one connection; a good one goes back to the idle ones. */
static int32_t ask_on(lookup *l, redisContext *c, uint64_t deadline, const char *name, size_t size, redisReply **reply) {
  const char *words[] = {"GET", name};
  size_t sizes[] = {3, size};
  int32_t status = redisAppendCommandArgv(c, 2, words, sizes) == REDIS_OK ? exchange(c, deadline, reply) : SLUICE_ENOMEM;
  if (status == SLUICE_OK && l->idle_count < IDLE_MAX) l->idle[l->idle_count++] = c;
  else redisFree(c);
  return status;
}

/* GET `name`. An idle connection that Redis closed in the meantime is no failure: the next one is tried, at last a new one. */
static int32_t ask(lookup *l, const char *name, size_t size, redisReply **reply) {
  uint64_t deadline = loop_table->now_ms(the_host) + l->timeout_ms;
  redisContext *c = NULL;
  int32_t status = SLUICE_EIO;
  while (status == SLUICE_EIO && l->idle_count) status = ask_on(l, l->idle[--l->idle_count], deadline, name, size, reply);
  if (status != SLUICE_EIO) return status;
  status = connect_redis(l, deadline, &c);
  if (status == SLUICE_OK) return ask_on(l, c, deadline, name, size, reply);
  if (c) redisFree(c);
  return status;
}

/* ---- hook ---- */

static void note(lookup *l, int32_t status) {
  uint32_t is_down = status < 0 && status != SLUICE_ECANCELED;
  if (is_down == l->is_down) return;
  l->is_down = is_down;
  char text[ADDRESS_BYTES_MAX + 96];
  int n = is_down ? snprintf(text, sizeof text, "Redis at %.*s does not answer (%d); requests fail until it does", (int)l->address_size,
                             l->address, status)
                  : snprintf(text, sizeof text, "Redis at %.*s answers again", (int)l->address_size, l->address);
  the_host->log(the_host, is_down ? SLUICE_LOG_ERROR : SLUICE_LOG_NOTICE, sluice_view_of(text, (uint64_t)n));
}

static int32_t let_in(lookup *l, sluice_request *request, const redisReply *reply) {
  if (reply->type == REDIS_REPLY_NIL) return answer_table->respond(request, 403, SLUICE_VIEW("this API key is not known\n"));
  if (reply->type != REDIS_REPLY_STRING || reply->len > CONSUMER_BYTES_MAX || !is_name(reply->str, (uint32_t)reply->len, "-_.@"))
    return SLUICE_EFAULT; /* an error reply, or a value that is no consumer's name: nobody is let in by it */
  sluice_view consumer = sluice_view_of(reply->str, (uint64_t)reply->len);
  int32_t status = edit_table->set_consumer(request, consumer);
  if (status == SLUICE_OK) status = edit_table->set_header(request, SLUICE_VIEW("X-Consumer"), consumer);
  if (status == SLUICE_OK) status = edit_table->remove_header(request, sluice_view_of(l->header, l->header_size));
  return status;
}

static int32_t access_hook(void *instance, sluice_request *request) {
  lookup *l = instance;
  sluice_view key;
  char name[PREFIX_BYTES_MAX + KEY_BYTES_MAX];
  redisReply *reply = NULL;
  if (request_table->header(request, sluice_view_of(l->header, l->header_size), &key) < 0 || !key.size) {
    int32_t status = answer_table->add_header(request, SLUICE_VIEW("WWW-Authenticate"), SLUICE_VIEW("ApiKey realm=\"api\""));
    return status < 0 ? status : answer_table->respond(request, 401, SLUICE_VIEW("an API key is needed\n"));
  }
  if (key.size > KEY_BYTES_MAX) return answer_table->respond(request, 403, SLUICE_VIEW("this API key is not known\n"));
  /* Copied, for the view is void after the first wait. */
  memcpy(name, l->prefix, l->prefix_size);
  memcpy(name + l->prefix_size, key.data, key.size);
  int32_t status = ask(l, name, l->prefix_size + key.size, &reply);
  note(l, status);
  explicit_bzero(name, sizeof name);
  if (status < 0) return status;
  status = let_in(l, request, reply);
  freeReplyObject(reply);
  return status;
}

/* ---- entry ---- */

static int32_t init(const sluice_host *host, void **state) {
  (void)state;
  the_host = host;
  request_table = host->get_extension(host, SLUICE_REQUEST_1);
  edit_table = host->get_extension(host, SLUICE_REQUEST_EDIT_1);
  answer_table = host->get_extension(host, SLUICE_ANSWER_1);
  io_table = host->get_extension(host, SLUICE_IO_1);
  loop_table = host->get_extension(host, SLUICE_LOOP_1);
  return request_table && edit_table && answer_table && io_table && loop_table ? SLUICE_OK : SLUICE_ENOTFOUND;
}

static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .configure = configure, .release = release, .access = access_hook};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}

SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST(
    "{\"name\":\"redis-lookup\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"c\","
    "\"phases\":[\"access\"],\"concurrency\":\"fiber\","
    "\"needs\":[\"sluice.request/1\",\"sluice.request-edit/1\",\"sluice.answer/1\",\"sluice.io/1\",\"sluice.loop/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"address\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":256,\"default\":\"127.0.0.1:6379\"},"
    "\"header\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"default\":\"x-api-key\"},"
    "\"prefix\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"default\":\"apikey:\"},"
    "\"timeout_ms\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60000,\"default\":500}}}}")
