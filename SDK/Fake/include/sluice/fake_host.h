/* A host for the unit tests of a plugin, in one process and without a gateway: it loads the plugin, makes requests and responses, runs the
   hooks, and shows what they did. It answers wrong calls as the gateway does. Time is virtual: nothing waits for a clock.
   Compile it into the test: every .c file in the folder `pkg-config --variable=fakedir sluice-plugin`; where OpenSSL's headers are, link
   it with libcrypto (`pkg-config --libs libcrypto`), else it has no sluice.crypto/1. The test is C or C++ on one thread.

     fake_host *host = fake_open(&sluice_plugin_v1);                        // or fake_load("./hello.so")
     fake_exchange *x = fake_request(host, "GET", "/private?key=1");
     assert(fake_run(x, SLUICE_PHASE_ACCESS) == SLUICE_ANSWERED && fake_answer_status(x) == 401);
     fake_end(x);
     assert(fake_close(host) == 0);                                         // 0: nothing was left behind

   Texts that functions return are NUL-terminated and valid until the exchange ends (those of the host: until it is closed); NULL: none. */
#ifndef SLUICE_FAKE_HOST_H
#define SLUICE_FAKE_HOST_H
#include <sluice/sluice.h>

SLUICE_BEGIN

typedef struct fake_host fake_host;
typedef struct fake_exchange fake_exchange;

/* --- the plugin --- */

/* A plugin that is linked into the test, or one that is loaded; init and worker_init run, the manifest (of the test's own file or of the
   .so) must name exactly the hooks that there are. NULL: refused, fake_problem() says why. */
fake_host *fake_open(const sluice_plugin_entry *entry);
fake_host *fake_load(const char *path);
const char *fake_problem(void);
/* A table of the test's own for an extension that the fake host does not have (it has all but drafts), or in place of
   its own; said before fake_open, kept until the process ends. */
void fake_provide(const char *id, const void *table);
/* Runs configure. Exchanges made from now on use the instance. The result of configure; the text of a refusal is fake_problem(). */
int32_t fake_configure(fake_host *host, const char *json);
/* Ends open exchanges, releases, worker_exit, cancels what is under way, destroy. Returns how many timers, watches, fibers, tokens and
   HTTP exchanges the plugin had left behind after worker_exit; fake_problem() names them. */
int fake_close(fake_host *host);

/* --- one exchange --- */

/* A request from 127.0.0.1:50000 to the host "localhost", as GET or what you say; `target` is path and query. */
fake_exchange *fake_request(fake_host *host, const char *method, const char *target);
void fake_end(fake_exchange *x); /* a parked hook is cancelled first */
void fake_set_header(fake_exchange *x, const char *name, const char *value); /* adds a field; "Host" sets the authority */
void fake_set_body(fake_exchange *x, const void *bytes, uint64_t size);
void fake_hold_body(fake_exchange *x);    /* gather has to wait … */
void fake_deliver_body(fake_exchange *x); /* … until now */
void fake_set_client(fake_exchange *x, const char *address, uint16_t port);
void fake_set_route(fake_exchange *x, const char *route, const char *cluster);

/* Runs the hook of a phase (SLUICE_PHASE_…). SLUICE_CONTINUE (also without a hook), SLUICE_ANSWERED, a failure (negative), or
   SLUICE_SUSPEND: it is parked, and fake_result says how it ended once fake_parked is 0. */
int32_t fake_run(fake_exchange *x, uint32_t phase);
int fake_parked(const fake_exchange *x);
int32_t fake_result(const fake_exchange *x);
/* As when the client leaves: the wait of a parked hook ends with SLUICE_ECANCELED. */
void fake_cancel(fake_exchange *x);
/* All phases of a request in order, until one answers, fails or parks: rewrite, access, routing, content, balancer. */
int32_t fake_request_phases(fake_exchange *x);

/* The request as it would go upstream, and what plugins said of it. */
const char *fake_method(const fake_exchange *x);
const char *fake_path(const fake_exchange *x); /* with query */
const char *fake_authority(const fake_exchange *x);
const char *fake_header(const fake_exchange *x, const char *name); /* the first of that name */
uint32_t fake_header_count(const fake_exchange *x, const char *name); /* of that name; of all with NULL */
const uint8_t *fake_body(const fake_exchange *x, uint64_t *size);
const char *fake_consumer(const fake_exchange *x);
const char *fake_request_id(const fake_exchange *x);
const char *fake_variable(const fake_exchange *x, const char *name);
const char *fake_cluster(const fake_exchange *x); /* chosen by the plugin, or the route's */
int fake_target(const fake_exchange *x);          /* index chosen by the balancer hook, -1: none */

/* The plugin's answer (status 0: none), or what a content hook made. */
uint32_t fake_answer_status(const fake_exchange *x);
const char *fake_answer_header(const fake_exchange *x, const char *name);
const uint8_t *fake_answer_body(const fake_exchange *x, uint64_t *size);
/* A client that takes no bytes of a content hook until fake_take is called: write parks or answers SLUICE_EAGAIN above 64 KiB. */
void fake_block_client(fake_exchange *x);
void fake_take(fake_exchange *x);

/* --- the response of an upstream --- */

void fake_respond(fake_exchange *x, uint32_t status);
void fake_set_response_header(fake_exchange *x, const char *name, const char *value);
uint32_t fake_response_status(const fake_exchange *x);
const char *fake_response_header(const fake_exchange *x, const char *name);
/* Runs body_filter on one chunk; what leaves is added to fake_response_body. The result as that of fake_run. */
int32_t fake_chunk(fake_exchange *x, const void *bytes, uint64_t size, int is_last);
const uint8_t *fake_response_body(const fake_exchange *x, uint64_t *size);
/* What sluice.exchange-log/1 says; `size` of it need not be set. */
void fake_set_facts(fake_exchange *x, const sluice_exchange_facts *facts);

/* --- the world around --- */

void fake_add_cluster(fake_host *host, const char *name);
void fake_add_target(fake_host *host, const char *label, uint32_t weight); /* of the cluster that is balanced */
/* HTTP requests of the plugin whose URL starts with `url` get this answer after `after_ms`; status 0: SLUICE_EIO. Last said, first tried. */
void fake_serve(fake_host *host, const char *url, uint32_t status, const char *body, uint32_t after_ms);
uint32_t fake_served(const fake_host *host); /* how many HTTP requests were made */

/* Lets `ms` of virtual time pass: timers fire in order, waits end, jobs run, descriptors that are ready are seen. 0: what is due now. */
void fake_advance(fake_host *host, uint64_t ms);
/* Waits in real time, at most `ms`, until a descriptor that the plugin watches is ready, then runs what follows. 1: one was. */
int fake_wait(fake_host *host, uint32_t ms);
uint64_t fake_now(const fake_host *host);
uint32_t fake_pending(const fake_host *host); /* timers, watches, fibers, tokens, HTTP exchanges under way */

/* Log lines as "warn: text", the last 1,024; how often a call was refused with SLUICE_EPHASE; metrics. */
uint32_t fake_log_count(const fake_host *host);
const char *fake_log_line(const fake_host *host, uint32_t index);
int fake_logged(const fake_host *host, const char *part);
uint64_t fake_misuse(const fake_host *host);
double fake_metric(const fake_host *host, const char *name); /* sum of its series; of a histogram how many values; NaN: none */

SLUICE_END
#endif
