/* What a plugin may write, and how fields and query arguments are found: the fake host's copy of the gateway's rules, pure functions on
   bytes (RFC 9110 sections 5.1, 5.5, 5.6.2, 7.6.1). A difference to the gateway is a fault here. */
#include "fake.h"

static int is_letter(uint8_t c) { return (uint8_t)((c | 32) - 'a') < 26; }
static int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

int fake_is_token(sluice_view v) {
  for (uint64_t i = 0; i < v.size; i++)
    if (!is_letter(v.data[i]) && !is_digit(v.data[i]) && (!v.data[i] || !strchr("!#$%&'*+-.^_`|~", v.data[i]))) return 0;
  return v.size > 0;
}

int fake_is_value(sluice_view v) {
  if (!v.size) return 1;
  uint8_t first = v.data[0], last = v.data[v.size - 1];
  if (first == ' ' || first == '\t' || last == ' ' || last == '\t') return 0;
  for (uint64_t i = 0; i < v.size; i++) if ((v.data[i] < 0x20 && v.data[i] != '\t') || v.data[i] == 0x7f) return 0;
  return 1;
}

int fake_is_same(sluice_view a, sluice_view b) {
  if (a.size != b.size) return 0;
  for (uint64_t i = 0; i < a.size; i++) {
    uint8_t x = a.data[i], y = b.data[i];
    if (x != y && !((x ^ y) == 32 && is_letter(x))) return 0;
  }
  return 1;
}

int fake_is_host_owned(sluice_view name) {
  static const char *const owned[] = {"te", "host", "expect", "trailer", "upgrade", "connection", "keep-alive", "content-length",
                                      "proxy-connection", "transfer-encoding", NULL};
  for (int i = 0; owned[i]; i++) if (fake_is_same(name, sluice_view_of(owned[i], strlen(owned[i])))) return 1;
  return 0;
}

int fake_is_path(sluice_view v) {
  if (!v.size || v.size > 8192 || v.data[0] != '/') return 0;
  for (uint64_t i = 0; i < v.size; i++) if (v.data[i] <= 0x20 || v.data[i] >= 0x7f || v.data[i] == '#') return 0;
  return 1;
}

int fake_is_authority(sluice_view v) {
  uint64_t end = 0;
  if (!v.size || v.size > 255) return 0;
  if (v.data[0] == '[') {
    while (end < v.size && v.data[end] != ']') end++;
    if (end++ >= v.size || end < 4) return 0;
    for (uint64_t i = 1; i < end - 1; i++)
      if (!is_digit(v.data[i]) && (uint8_t)((v.data[i] | 32) - 'a') > 5 && v.data[i] != ':' && v.data[i] != '.') return 0;
  } else {
    for (; end < v.size && v.data[end] != ':'; end++)
      if (!is_letter(v.data[end]) && !is_digit(v.data[end]) && (!v.data[end] || !strchr("-._~!$&'()*+,;=%", v.data[end]))) return 0;
    if (!end) return 0;
  }
  if (end == v.size) return 1;
  if (v.data[end] != ':' || v.size - end < 2 || v.size - end > 6) return 0;
  for (uint64_t i = end + 1; i < v.size; i++) if (!is_digit(v.data[i])) return 0;
  return 1;
}

static uint32_t remove_fields(fake_fields *f, sluice_view name) {
  uint32_t kept = 0, before = f->count;
  for (uint32_t i = 0; i < f->count; i++) if (!fake_is_same(f->list[i].name, name)) f->list[kept++] = f->list[i];
  f->count = kept;
  return before - kept;
}

int32_t fake_field_edit(fake_exchange *x, fake_fields *f, uint32_t operation, sluice_view name, sluice_view value) {
  if (operation > SLUICE_EDIT_REMOVE || !fake_ok(name) || fake_is_host_owned(name)) return SLUICE_EINVAL;
  if (operation == SLUICE_EDIT_REMOVE) return remove_fields(f, name) ? SLUICE_OK : SLUICE_ENOTFOUND;
  if (!fake_ok(value) || !fake_is_token(name) || !fake_is_value(value)) return SLUICE_EINVAL;
  const char *n = fake_copy(x, name), *v = fake_copy(x, value);
  if (!n || !v) return SLUICE_ENOMEM;
  if (operation == SLUICE_EDIT_SET) remove_fields(f, name);
  if (f->count == f->room) f->list = fake_keep(realloc(f->list, (f->room = f->room ? f->room * 2 : 16) * sizeof *f->list));
  f->list[f->count].name = sluice_view_of(n, name.size);
  f->list[f->count++].value = sluice_view_of(v, value.size);
  return SLUICE_OK;
}

int32_t fake_field_find(const fake_fields *f, sluice_view name, sluice_view *value) {
  if (!fake_ok(name) || !value) return SLUICE_EINVAL;
  for (uint32_t i = 0; i < f->count; i++)
    if (fake_is_same(f->list[i].name, name)) return *value = f->list[i].value, SLUICE_OK;
  return SLUICE_ENOTFOUND;
}

static int hex(uint8_t c) { return is_digit(c) ? c - '0' : (uint8_t)((c | 32) - 'a') < 6 ? (c | 32) - 'a' + 10 : -1; }

/* Decodes `v` into `out`, which has room for as many bytes. */
static uint64_t decode(sluice_view v, uint8_t *out) {
  uint64_t n = 0;
  for (uint64_t i = 0; i < v.size; i++) {
    int high = i + 2 < v.size && v.data[i] == '%' ? hex(v.data[i + 1]) : -1, low = high >= 0 ? hex(v.data[i + 2]) : -1;
    if (low >= 0) out[n++] = (uint8_t)(high << 4 | low), i += 2;
    else out[n++] = v.data[i] == '+' ? ' ' : v.data[i];
  }
  return n;
}

/* The next piece of a query that starts at *at; 0 at the end. */
static int next_piece(const char **at, sluice_view *whole, sluice_view *name, sluice_view *value) {
  if (!*at) return 0;
  size_t size = strcspn(*at, "&");
  *whole = sluice_view_of(*at, size);
  const char *equals = memchr(*at, '=', size);
  *name = sluice_view_of(*at, equals ? (uint64_t)(equals - *at) : size);
  *value = equals ? sluice_view_of(equals + 1, size - (uint64_t)(equals + 1 - *at)) : sluice_view_of(*at + size, 0);
  *at = (*at)[size] ? *at + size + 1 : NULL;
  return 1;
}

static const char *query_of(const fake_exchange *x) {
  const char *mark = strchr(x->path, '?');
  return mark ? mark + 1 : NULL;
}

int32_t fake_query_find(fake_exchange *x, sluice_view wanted, sluice_view *value) {
  const char *at = query_of(x);
  sluice_view whole, name, raw;
  while (next_piece(&at, &whole, &name, &raw)) {
    uint8_t *text = fake_allocate(x, whole.size + 1);
    if (!text) return SLUICE_ENOMEM;
    if (decode(name, text) != wanted.size || memcmp(text, wanted.data, wanted.size)) continue;
    return *value = sluice_view_of(text, decode(raw, text)), SLUICE_OK;
  }
  return SLUICE_ENOTFOUND;
}

int32_t fake_query_remove(fake_exchange *x, sluice_view wanted) {
  const char *at = query_of(x);
  sluice_view whole, name, raw;
  size_t n = at ? (size_t)(at - 1 - x->path) : 0, start = n;
  int removed = 0;
  char *out = fake_allocate(x, strlen(x->path) + 2), *text = fake_allocate(x, strlen(x->path) + 1);
  if (!out || !text) return SLUICE_ENOMEM;
  memcpy(out, x->path, n);
  while (next_piece(&at, &whole, &name, &raw)) {
    if (decode(name, (uint8_t *)text) == wanted.size && !memcmp(text, wanted.data, wanted.size)) { removed = 1; continue; }
    out[n] = n == start ? '?' : '&';
    memcpy(out + n + 1, whole.data, whole.size);
    n += 1 + whole.size;
  }
  out[n] = 0;
  if (!removed) return SLUICE_ENOTFOUND;
  x->path = out;
  return SLUICE_OK;
}
