/* Variables and metrics of the fake host: kept by name, checked as the gateway checks them, shown to the test by fake_variable and
   fake_metric. */
#include "fake.h"
#include <math.h>
#include <stdio.h>

#define HOST_PHASE(h) if ((h)->current) return (h)->misuse++, SLUICE_EPHASE /* init, worker_init, configure only */

static int is_letter(uint8_t c) { return c >= 'a' && c <= 'z'; }
static int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static int is_name(sluice_view v, const char *more) {
  for (uint64_t i = 0; fake_ok(v) && i < v.size; i++)
    if (!is_letter(v.data[i]) && !is_digit(v.data[i]) && (!v.data[i] || !strchr(more, v.data[i]))) return 0;
  return fake_ok(v) && v.size >= 1 && v.size <= 64;
}

/* --- sluice.variables/1 --- */

static int32_t number(const sluice_host *host, sluice_view name) {
  fake_host *h = fake_of(host);
  HOST_PHASE(h);
  if (!is_name(name, "_.")) return SLUICE_EINVAL;
  for (uint32_t i = 0; i < h->variable_count; i++)
    if (strlen(h->variables[i]) == name.size && !memcmp(h->variables[i], name.data, name.size)) return (int32_t)i + 1;
  if (h->variable_count == SLUICE_VARIABLES_PER_WORKER) return SLUICE_ELIMIT;
  h->variables[h->variable_count++] = fake_keep(strndup((const char *)name.data, name.size));
  return (int32_t)h->variable_count;
}
static int32_t get(const sluice_request *handle, uint32_t variable, sluice_request_view *value) {
  fake_exchange *x = fake_x(handle);
  if (!x || !value || !variable || variable > x->host->variable_count) return SLUICE_EINVAL;
  for (uint32_t i = 0; i < x->variable_count; i++)
    if (x->variables[i].number == variable) return *value = x->variables[i].value, SLUICE_OK;
  return SLUICE_ENOTFOUND;
}
static int32_t set(const sluice_request *handle, uint32_t variable, sluice_view value) {
  fake_exchange *x = fake_x(handle);
  uint32_t i = 0;
  if (!x || !variable || variable > x->host->variable_count || !fake_ok(value)) return SLUICE_EINVAL;
  if (x->phase == SLUICE_PHASE_LOG || x->phase == FAKE_NO_PHASE) return x->host->misuse++, SLUICE_EPHASE;
  while (i < x->variable_count && x->variables[i].number != variable) i++;
  if (value.size > SLUICE_VARIABLE_BYTES_MAX || i == SLUICE_VARIABLES_PER_REQUEST) return SLUICE_ELIMIT;
  const char *copy = fake_copy(x, value);
  if (!copy) return SLUICE_ENOMEM;
  x->variables[i] = (fake_variable_value){variable, {(const uint8_t *)copy, value.size}};
  if (i == x->variable_count) x->variable_count++;
  return SLUICE_OK;
}
const sluice_variables_v1 fake_variables_table = {sizeof(sluice_variables_v1), 0, number, get, set};

const char *fake_variable(const fake_exchange *x, const char *name) {
  for (uint32_t i = 0; i < x->variable_count; i++)
    if (!strcmp(x->host->variables[x->variables[i].number - 1], name)) return (const char *)x->variables[i].value.data;
  return NULL;
}

/* --- sluice.metrics/1 --- */

static int32_t refuse(sluice_error *error, const char *text) {
  if (error) sluice_error_write(error, text);
  return SLUICE_EINVAL;
}

/* A text that tells one series from another: "name{label=value,…}". */
static char *series_of(const sluice_metric *m) {
  char *text = fake_keep(malloc(1024));
  int n = snprintf(text, 1024, "%.*s{", (int)m->name.size, (const char *)m->name.data);
  for (uint32_t i = 0; i < m->label_count && n < 900; i++)
    n += snprintf(text + n, (size_t)(1024 - n), "%.*s=%.*s,", (int)m->labels[i].name.size, (const char *)m->labels[i].name.data,
                  (int)m->labels[i].value.size, (const char *)m->labels[i].value.data);
  snprintf(text + n, (size_t)(1024 - n), "}");
  return text;
}

static const char *wrong(const sluice_metric *m) {
  if (m->kind < SLUICE_COUNTER || m->kind > SLUICE_HISTOGRAM) return "kind: allowed: SLUICE_COUNTER, SLUICE_GAUGE, SLUICE_HISTOGRAM";
  if (!is_name(m->name, "_") || !is_letter(m->name.data[0])) return "name: allowed: [a-z][a-z0-9_]{0,63}";
  if (m->label_count > SLUICE_METRIC_LABELS_MAX || (m->label_count && !m->labels)) return "labels: at most 4";
  for (uint32_t i = 0; i < m->label_count; i++)
    if (!is_name(m->labels[i].name, "_") || m->labels[i].name.size > 32 || !fake_ok(m->labels[i].value) || m->labels[i].value.size > 64)
      return "labels: a name [a-z][a-z0-9_]{0,31} and a value of at most 64 bytes";
  if (!fake_ok(m->help) || m->help.size > 200) return "help: at most 200 bytes";
  if ((m->kind == SLUICE_HISTOGRAM) != (m->bound_count > 0) || m->bound_count > SLUICE_METRIC_BOUNDS_MAX || (m->bound_count && !m->bounds))
    return "bounds: 1 to 16 for a histogram, none for other kinds";
  for (uint32_t i = 0; i < m->bound_count; i++)
    if (!isfinite(m->bounds[i]) || (i && m->bounds[i] <= m->bounds[i - 1])) return "bounds: finite and rising";
  return NULL;
}

static int32_t define(const sluice_host *host, const sluice_metric *m, sluice_error *error) {
  fake_host *h = fake_of(host);
  HOST_PHASE(h);
  if (!m || m->size < sizeof *m) return refuse(error, "size: sizeof(sluice_metric) is needed");
  if (wrong(m)) return refuse(error, wrong(m));
  char *series = series_of(m);
  for (uint32_t i = 0; i < h->metric_count; i++) {
    size_t n = strcspn(h->metrics[i].series, "{");
    int is_same_name = n == m->name.size && !memcmp(h->metrics[i].series, m->name.data, n);
    if (is_same_name && h->metrics[i].kind != m->kind) return free(series), refuse(error, "kind: this name is of another kind already");
    if (!strcmp(h->metrics[i].series, series)) return free(series), (int32_t)i;
  }
  if (h->metric_count == FAKE_METRICS_MAX) return free(series), SLUICE_ELIMIT;
  h->metrics[h->metric_count] = (fake_metric_value){series, m->kind, 0};
  return (int32_t)h->metric_count++;
}

static fake_metric_value *metric(const sluice_host *host, uint32_t index, uint32_t a, uint32_t b, double value) {
  fake_host *h = fake_of(host);
  if (index >= h->metric_count || !isfinite(value)) return NULL;
  return h->metrics[index].kind == a || h->metrics[index].kind == b ? &h->metrics[index] : NULL;
}
static int32_t add(const sluice_host *host, uint32_t index, double amount) {
  fake_metric_value *m = metric(host, index, SLUICE_COUNTER, SLUICE_GAUGE, amount);
  if (!m || (m->kind == SLUICE_COUNTER && amount < 0)) return SLUICE_EINVAL;
  m->value += amount;
  return SLUICE_OK;
}
static int32_t set_gauge(const sluice_host *host, uint32_t index, double value) {
  fake_metric_value *m = metric(host, index, SLUICE_GAUGE, SLUICE_GAUGE, value);
  if (!m) return SLUICE_EINVAL;
  m->value = value;
  return SLUICE_OK;
}
static int32_t observe(const sluice_host *host, uint32_t index, double value) {
  fake_metric_value *m = metric(host, index, SLUICE_HISTOGRAM, SLUICE_HISTOGRAM, value);
  if (!m) return SLUICE_EINVAL;
  m->value += 1;
  return SLUICE_OK;
}
const sluice_metrics_v1 fake_metrics_table = {sizeof(sluice_metrics_v1), 0, define, add, set_gauge, observe};

double fake_metric(const fake_host *h, const char *name) {
  double sum = 0;
  int found = 0;
  for (uint32_t i = 0; i < h->metric_count; i++) {
    size_t n = strcspn(h->metrics[i].series, "{");
    if (strcmp(h->metrics[i].series, name) && (strlen(name) != n || memcmp(h->metrics[i].series, name, n))) continue;
    sum += h->metrics[i].value;
    found = 1;
  }
  return found ? sum : NAN;
}
