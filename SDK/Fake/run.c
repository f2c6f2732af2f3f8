/* Running hooks: which may run where, what their results mean, and how a parked one goes on. The gateway's rules: an answer counts in
   rewrite, access and routing only and only when the hook returns it; other positive results are failures. Waiting itself: fiber.c. */
#include "fake.h"

int fake_in(fake_exchange *x, uint32_t a, uint32_t b, uint32_t c) {
  if (x->phase == a || x->phase == b || x->phase == c) return 1;
  x->host->misuse++;
  return 0;
}

static int may_park(uint32_t phase) { return phase <= SLUICE_PHASE_BODY_FILTER || phase == SLUICE_PHASE_CONTENT; }

static int is_there(const fake_host *h, uint32_t phase) {
  const sluice_filter_v1 *f = &h->filter;
  switch (phase) {
    case SLUICE_PHASE_REWRITE: return f->rewrite != NULL;
    case SLUICE_PHASE_ACCESS: return f->access != NULL;
    case SLUICE_PHASE_HEADER_FILTER: return f->header_filter != NULL;
    case SLUICE_PHASE_BODY_FILTER: return f->body_filter != NULL;
    case SLUICE_PHASE_LOG: return f->log != NULL;
    case SLUICE_PHASE_CONTENT: return f->content != NULL;
    case SLUICE_PHASE_BALANCER: return f->balancer != NULL;
    case SLUICE_PHASE_ROUTING: return h->routing.choose != NULL;
    default: return 0;
  }
}

/* One call of the plugin, on whatever stack this is. */
int32_t fake_call(fake_exchange *x, uint32_t phase) {
  const sluice_filter_v1 *f = &x->host->filter;
  switch (phase) {
    case SLUICE_PHASE_REWRITE: return f->rewrite(x->instance, (sluice_request *)x);
    case SLUICE_PHASE_ACCESS: return f->access(x->instance, (sluice_request *)x);
    case SLUICE_PHASE_HEADER_FILTER: return f->header_filter(x->instance, (sluice_response *)x);
    case SLUICE_PHASE_BODY_FILTER: return f->body_filter(x->instance, (sluice_body *)x);
    case SLUICE_PHASE_LOG: return f->log(x->instance, (sluice_exchange_log *)x);
    case SLUICE_PHASE_CONTENT: return f->content(x->instance, (sluice_content *)x);
    case SLUICE_PHASE_BALANCER: return f->balancer(x->instance, (sluice_balance *)x);
    default: return x->host->routing.choose(x->instance, (sluice_request *)x);
  }
}

static void drop_token(fake_exchange *x) {
  fake_task *t = fake_task_find(x->host, x->token);
  if (t) fake_task_free(t);
  x->token = 0;
}

/* What the result of a hook means once it is final. */
static int32_t settle(fake_exchange *x, uint32_t phase, int32_t raw) {
  int may_answer = phase == SLUICE_PHASE_REWRITE || phase == SLUICE_PHASE_ACCESS || phase == SLUICE_PHASE_ROUTING;
  if (phase == SLUICE_PHASE_CONTENT) {
    if (raw == SLUICE_ANSWERED && x->content_finished) return raw;
    if (raw >= 0 && x->content_started) return SLUICE_EINVAL; /* a part must not be taken for the whole */
  }
  if (raw == SLUICE_ANSWERED && may_answer && x->answer_status) return raw;
  if (may_answer) x->answer_status = 0, x->answer_body.size = 0, x->answer.count = 0;
  if (phase == SLUICE_PHASE_LOG) return SLUICE_CONTINUE;
  return raw <= 0 ? raw : SLUICE_EINVAL;
}

/* After a call, on a fiber or not: parked, or over. */
void fake_ended(fake_exchange *x, int32_t raw) {
  uint32_t phase = x->parked_phase;
  x->wait = WAIT_NONE;
  if (raw == SLUICE_SUSPEND && may_park(phase) && x->asked) {
    x->wait = x->asked;
    x->result = SLUICE_SUSPEND;
    return;
  }
  drop_token(x);
  x->result = settle(x, phase, raw);
  if (phase == SLUICE_PHASE_BODY_FILTER && x->result == SLUICE_CONTINUE) {
    fake_grow(&x->response_body, x->chunk.data, x->chunk.size);
    fake_grow(&x->response_body, x->behind.data, x->behind.size);
  }
}

static int32_t call_plain(fake_exchange *x) {
  x->asked = WAIT_NONE;
  x->phase = x->parked_phase;
  x->host->current = x;
  int32_t raw = fake_call(x, x->parked_phase);
  x->host->current = NULL;
  x->phase = FAKE_NO_PHASE;
  fake_ended(x, raw);
  return x->result;
}

int32_t fake_run(fake_exchange *x, uint32_t phase) {
  if (x->wait) return fake_say("the exchange is parked in phase %u", x->parked_phase), SLUICE_EINVAL;
  x->result = SLUICE_CONTINUE;
  if (!is_there(x->host, phase)) return SLUICE_CONTINUE;
  x->parked_phase = phase;
  if (!x->host->is_fiber || !may_park(phase)) return call_plain(x);
  x->asked = WAIT_NONE;
  x->wait = WAIT_FIBER;
  x->result = SLUICE_SUSPEND;
  fake_fiber_start(x->host, x, 0, phase);
  return x->result;
}

int fake_parked(const fake_exchange *x) { return x->wait != WAIT_NONE; }
int32_t fake_result(const fake_exchange *x) { return x->result; }

void fake_cancel(fake_exchange *x) {
  uint32_t wait = x->wait;
  x->wait = WAIT_NONE;
  if (wait == WAIT_NONE) return;
  if (wait == WAIT_FIBER) {
    x->fiber->is_cancelled = 1;
    fake_wake(x->fiber, SLUICE_ECANCELED);
  } else if (wait == WAIT_TOKEN) {
    fake_task *t = fake_task_find(x->host, x->token);
    sluice_continuation then = t ? t->then : NULL;
    void *data = t ? t->data : NULL;
    drop_token(x);
    if (then) {
      x->phase = x->parked_phase;
      then(data, x, SLUICE_ECANCELED);
      x->phase = FAKE_NO_PHASE;
    }
  }
  drop_token(x);
  x->wait = WAIT_NONE;
  x->result = SLUICE_ECANCELED;
}

/* A hook that waits for its body or for room: its fiber goes on, or it is called again. */
static void go_on(fake_exchange *x, uint32_t wait) {
  if (x->wait == wait) call_plain(x);
  else if (x->wait == WAIT_FIBER && x->asked == wait) fake_wake(x->fiber, SLUICE_OK);
}
void fake_deliver_body(fake_exchange *x) {
  x->body_held = 0;
  x->body_gathered |= x->wait == WAIT_BODY || x->asked == WAIT_BODY;
  go_on(x, WAIT_BODY);
}
void fake_block_client(fake_exchange *x) { x->is_blocked = 1; }
void fake_take(fake_exchange *x) {
  x->content_unread = 0;
  go_on(x, WAIT_ROOM);
}

int32_t fake_chunk(fake_exchange *x, const void *bytes, uint64_t size, int is_last) {
  x->chunk.size = x->behind.size = 0;
  fake_grow(&x->chunk, bytes, size);
  fake_grow(&x->behind, "", 0);
  x->chunk_is_last = is_last;
  if (x->host->filter.body_filter) return fake_run(x, SLUICE_PHASE_BODY_FILTER);
  fake_grow(&x->response_body, bytes, size);
  return SLUICE_CONTINUE;
}

int32_t fake_request_phases(fake_exchange *x) {
  static const uint32_t order[] = {SLUICE_PHASE_REWRITE, SLUICE_PHASE_ACCESS, SLUICE_PHASE_ROUTING, SLUICE_PHASE_CONTENT,
                                   SLUICE_PHASE_BALANCER};
  for (int i = 0; i < 5; i++) {
    int32_t result = fake_run(x, order[i]);
    if (result != SLUICE_CONTINUE) return result;
  }
  return SLUICE_CONTINUE;
}
