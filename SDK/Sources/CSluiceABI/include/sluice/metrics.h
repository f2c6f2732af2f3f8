/* "sluice.metrics/1", the host's side: numbers of a plugin in the gateway's /metrics. A series is defined once, in init or configure, with
   its name and fixed label values; counting is then a few stores into memory that the control process reads. Series are summed over
   the workers. In /metrics a series is called sluice_plugin_PLUGIN__NAME ('-' of the plugin's name becomes '_').

   Defining a series that exists (same name, same labels) hands it out again, so a new generation goes on counting where the old one was. A
   series belongs to the plugin: others cannot reach it. What no loaded generation defines any more may be forgotten. */
#ifndef SLUICE_METRICS_H
#define SLUICE_METRICS_H
#include <sluice/filter.h>
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_METRICS_1 "sluice.metrics/1"

enum {
  SLUICE_COUNTER = 1,   /* only rises; sums over workers */
  SLUICE_GAUGE = 2,     /* goes up and down; the sum over workers is shown, 0 after a worker's restart */
  SLUICE_HISTOGRAM = 3, /* how often values were at most a bound, their sum and count */
};
enum {
  SLUICE_METRIC_LABELS_MAX = 4,
  SLUICE_METRIC_BOUNDS_MAX = 16,
  SLUICE_METRIC_TEXT_BYTES_MAX = 640, /* name, help, label names and values together */
};

/* A label of a series: name [a-z][a-z0-9_]{0,31} (not "le"), value 0–64 bytes of UTF-8 without controls. */
typedef struct sluice_label {
  sluice_view name;
  sluice_view value;
} sluice_label;

/* What is defined. Nothing of it is needed after the call. */
typedef struct sluice_metric {
  uint32_t size;              /* sizeof(sluice_metric) as the plugin was compiled */
  uint32_t kind;              /* SLUICE_COUNTER, SLUICE_GAUGE, SLUICE_HISTOGRAM */
  sluice_view name;           /* [a-z][a-z0-9_]{0,63} without "__", not ending in _, _bucket, _sum, _count; unit last: "_seconds" */
  sluice_view help;           /* one line, at most 200 bytes of UTF-8 */
  const sluice_label *labels; /* at most 4, no name twice; all series of a name have the same label names */
  const double *bounds;       /* of a histogram: 1–16 upper bounds, rising, finite; +Inf comes by itself */
  uint32_t label_count;
  uint32_t bound_count; /* 0 for the other kinds */
} sluice_metric;

typedef struct sluice_metrics_v1 {
  /* sizeof(sluice_metrics_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Number (≥ 0) of a series for the calls below, valid in this generation. SLUICE_EINVAL: malformed, or in conflict with what a loaded
     generation defined (kind, bounds, label names); `error` (may be NULL: then it goes to the error log) says which. SLUICE_ELIMIT: the
     worker has 512 series, or its 1,024 cells are used (a counter or gauge takes one, a histogram its bounds + 2), or this
     generation has 256. [worker | init, worker_init, configure | must not park] */
  int32_t (*define)(const sluice_host *host, const sluice_metric *metric, sluice_error *error);

  /* Adds to a counter (0 or more) or a gauge. SLUICE_EINVAL: not a counter or gauge of this generation, or no finite number.
     [worker | any | must not park] */
  int32_t (*add)(const sluice_host *host, uint32_t metric, double amount);

  /* Sets a gauge; finite. [worker | any | must not park] */
  int32_t (*set)(const sluice_host *host, uint32_t metric, double value);

  /* One value into a histogram; finite. [worker | any | must not park] */
  int32_t (*observe)(const sluice_host *host, uint32_t metric, double value);
} sluice_metrics_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_label) == 32 && offsetof(sluice_label, value) == 16, "sluice_label");
SLUICE_STATIC_ASSERT(sizeof(sluice_metric) == 64 && offsetof(sluice_metric, name) == 8, "sluice_metric");
SLUICE_STATIC_ASSERT(offsetof(sluice_metric, labels) == 40 && offsetof(sluice_metric, label_count) == 56, "sluice_metric.labels");
SLUICE_STATIC_ASSERT(sizeof(sluice_metrics_v1) == 40, "sluice_metrics_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_metrics_v1, define) == 8, "sluice_metrics_v1.define");
SLUICE_STATIC_ASSERT(offsetof(sluice_metrics_v1, observe) == 32, "sluice_metrics_v1.observe");

SLUICE_END
#endif
