/* The fake host's side of a plugin's life: opening it, its tables, its instances, its log lines, closing it. What one request does is in
   run.c; read fake.h for who has what. */
#include "fake.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

static char problem[1024];
const char *fake_problem(void) { return problem; }
void fake_say(const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(problem, sizeof problem, format, list);
  va_end(list);
}

void *fake_keep(void *memory) {
  if (memory) return memory;
  fputs("fake host: no memory\n", stderr);
  abort();
}

static struct fake_extension provided[FAKE_NAMES_MAX];
static uint32_t provided_count;
void fake_provide(const char *id, const void *table) {
  if (provided_count == FAKE_NAMES_MAX) fputs("fake host: more than 64 tables of the test\n", stderr), abort();
  provided[provided_count++] = (struct fake_extension){id, table};
}

static const void *get_extension(const sluice_host *host, const char *id) {
  (void)host;
  for (uint32_t i = 0; id && i < provided_count; i++) if (!strcmp(provided[i].id, id)) return provided[i].table;
  for (const struct fake_extension *e = fake_extensions; id && e->id; e++) if (!strcmp(e->id, id)) return e->table;
  return NULL;
}

static void write_log(const sluice_host *host, uint32_t level, sluice_view text) {
  static const char *const names[] = {"debug", "info", "notice", "warn", "error"};
  fake_host *h = fake_of(host);
  int size = (int)(text.size > 1024 ? 1024 : text.size);
  char *line = NULL;
  if (!fake_ok(text) || asprintf(&line, "%s: %.*s", names[level > 4 ? 4 : level], size, text.size ? (const char *)text.data : "") < 0) return;
  for (char *p = line; *p; p++) if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
  free(h->log[h->log_count % FAKE_LOG_MAX]);
  h->log[h->log_count++ % FAKE_LOG_MAX] = line;
}

/* Copies no more than the table says it has; what is missing stays NULL. */
static void read_table(const fake_host *h, const char *id, void *into, uint32_t room) {
  const void *table = h->entry->get_extension(h->state, id);
  uint32_t size = 0;
  if (table) memcpy(&size, table, 4);
  if (table) memcpy(into, table, size < room ? size : room);
}

static int start(fake_host *h, const char *manifest_of) {
  const sluice_plugin_entry *e = h->entry;
  if (e->magic != SLUICE_MAGIC || e->abi_major != SLUICE_ABI_MAJOR || e->size < sizeof *e || !e->init || !e->get_extension)
    return fake_say("the entry is not one of ABI %u; declare it with SLUICE_PLUGIN", SLUICE_ABI_MAJOR), 0;
  char *manifest = fake_read_manifest(manifest_of);
  if (!manifest) return 0;
  int32_t status = e->init(&h->table, &h->state);
  if (status < 0) {
    const char *said = h->log_count ? h->log[(h->log_count - 1) % FAKE_LOG_MAX] : "it does not say why";
    fake_say("init refused (status %d): %s", status, said);
    return free(manifest), 0;
  }
  read_table(h, SLUICE_FILTER_1, &h->filter, sizeof h->filter);
  read_table(h, SLUICE_ROUTING_1, &h->routing, sizeof h->routing);
  read_table(h, SLUICE_WORKER_1, &h->worker, sizeof h->worker);
  int good = fake_check_manifest(h, manifest);
  free(manifest);
  if (good && h->worker.worker_init && (status = h->worker.worker_init(h->state, 0)) < 0)
    good = 0, fake_say("worker_init refused (status %d)", status);
  if (!good && e->destroy) e->destroy(h->state);
  return good;
}

static fake_host *make(const sluice_plugin_entry *entry, void *library, const char *manifest_of) {
  fake_host *h = fake_keep(calloc(1, sizeof *h));
  h->table.size = sizeof h->table;
  h->table.abi_major = SLUICE_ABI_MAJOR;
  h->table.abi_minor = SLUICE_ABI_MINOR;
  h->table.context = h;
  h->table.get_extension = get_extension;
  h->table.log = write_log;
  h->entry = entry;
  h->library = library;
  h->thread = pthread_self();
  h->now = 1000;
  pthread_mutex_init(&h->lock, NULL);
  problem[0] = 0;
  if (start(h, manifest_of)) return h;
  if (library) dlclose(library);
  for (uint32_t i = 0; i < FAKE_LOG_MAX; i++) free(h->log[i]);
  pthread_mutex_destroy(&h->lock);
  free(h);
  return NULL;
}

fake_host *fake_open(const sluice_plugin_entry *entry) { return make(entry, NULL, "/proc/self/exe"); }

fake_host *fake_load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fake_say("%s", dlerror()), NULL;
  const sluice_plugin_entry *entry = (const sluice_plugin_entry *)dlsym(library, "sluice_plugin_v1");
  if (entry) return make(entry, library, path);
  fake_say("%s: it does not export sluice_plugin_v1", path);
  dlclose(library);
  return NULL;
}

int32_t fake_configure(fake_host *h, const char *json) {
  char text[512];
  sluice_error error = {text, sizeof text - 1, 0};
  void *instance = NULL;
  if (!h->filter.configure) {
    if (strcmp(json, "{}")) return fake_say("it takes no configuration"), SLUICE_EINVAL;
    return SLUICE_OK;
  }
  int32_t status = h->filter.configure(h->state, sluice_view_of(json, strlen(json)), &instance, &error);
  text[error.size < error.room ? error.size : error.room] = 0;
  if (status < 0) return fake_say("%s", error.size ? text : "the plugin does not say why"), status;
  h->instances = fake_keep(realloc(h->instances, (h->instance_count + 1) * sizeof(void *)));
  h->instances[h->instance_count++] = h->instance = instance;
  return status;
}

static void cancel_one(fake_host *h, fake_task *t) {
  if (t->fiber) {
    fake_task *owner = fake_task_find(h, t->fiber->owner);
    if (owner) owner->every_ms = 0;
    t->fiber->is_cancelled = 1;
    fake_wake(t->fiber, SLUICE_ECANCELED);
  } else if (t->kind == TASK_HTTP && t->done) {
    sluice_http_done done = t->done;
    void *data = t->data;
    fake_task_free(t);
    done(data, SLUICE_ECANCELED, NULL);
  } else {
    fake_task_free(t);
  }
}

/* What is under way is cancelled, as the gateway does it; returns how much there was. */
static int cancel_all(fake_host *h) {
  static const char *const names[] = {"", "timer", "watch", "", "token", "HTTP exchange", "background task"};
  int left = 0;
  for (uint32_t i = 0; i < FAKE_TASKS_MAX; i++) {
    uint32_t kind = h->tasks[i].kind;
    if (kind != TASK_FREE && kind != TASK_WAIT) left++, fake_say("%d left behind, the last one a %s", left, names[kind]);
  }
  for (uint32_t i = 0; i < FAKE_TASKS_MAX; i++) if (h->tasks[i].kind != TASK_FREE) cancel_one(h, &h->tasks[i]);
  return left;
}

int fake_close(fake_host *h) {
  while (h->exchanges) fake_end(h->exchanges);
  for (uint32_t i = 0; i < h->instance_count; i++) if (h->filter.release) h->filter.release(h->state, h->instances[i]);
  if (h->worker.worker_exit) h->worker.worker_exit(h->state);
  int left = cancel_all(h);
  if (h->entry->destroy) h->entry->destroy(h->state);
#ifdef FAKE_HAS_CRYPTO
  sluice_fake_crypto_end(&h->table);
#endif
  if (h->library) dlclose(h->library);
  for (fake_job *j = h->jobs, *next; j; j = next) next = j->next, free(j);
  for (uint32_t i = 0; i < FAKE_LOG_MAX; i++) free(h->log[i]);
  for (uint32_t i = 0; i < h->cluster_count; i++) free(h->clusters[i]);
  for (uint32_t i = 0; i < h->target_count; i++) free(h->targets[i].label);
  for (uint32_t i = 0; i < h->answer_count; i++) free(h->answers[i].url), free(h->answers[i].body);
  for (uint32_t i = 0; i < h->variable_count; i++) free(h->variables[i]);
  for (uint32_t i = 0; i < h->metric_count; i++) free(h->metrics[i].series);
  pthread_mutex_destroy(&h->lock);
  free(h->instances);
  free(h);
  return left;
}

uint32_t fake_log_count(const fake_host *h) { return h->log_count < FAKE_LOG_MAX ? h->log_count : FAKE_LOG_MAX; }
const char *fake_log_line(const fake_host *h, uint32_t index) {
  uint32_t first = h->log_count - fake_log_count(h);
  return index < fake_log_count(h) ? h->log[(first + index) % FAKE_LOG_MAX] : NULL;
}
int fake_logged(const fake_host *h, const char *part) {
  for (uint32_t i = 0; i < fake_log_count(h); i++) if (strstr(fake_log_line(h, i), part)) return 1;
  return 0;
}
uint64_t fake_misuse(const fake_host *h) { return h->misuse; }

static char *name(uint32_t *count, const char *text) {
  if (*count >= FAKE_NAMES_MAX) fputs("fake host: more than 64 names\n", stderr), abort();
  ++*count;
  return fake_keep(strdup(text));
}
void fake_add_cluster(fake_host *h, const char *text) {
  char *copy = name(&h->cluster_count, text);
  h->clusters[h->cluster_count - 1] = copy;
}
void fake_add_target(fake_host *h, const char *label, uint32_t weight) {
  char *copy = name(&h->target_count, label);
  h->targets[h->target_count - 1] = (fake_point){copy, weight};
}
void fake_serve(fake_host *h, const char *url, uint32_t status, const char *body, uint32_t after_ms) {
  char *copy = name(&h->answer_count, url);
  h->answers[h->answer_count - 1] = (fake_served_answer){copy, fake_keep(strdup(body ? body : "")), status, after_ms};
}
uint32_t fake_served(const fake_host *h) { return h->served; }
