/* Typed functions for rules: every type in both directions, and results that are none. Built as a plain library, and with -DPLUGIN as
   a plugin that declares them; LIE makes its list wrong. */
#include <sluice/sluice.h>
#include <stdio.h>
#include <string.h>

static char buffer[70000];

SLUICE_EXPORT sluice_view country(sluice_ip a) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  if (!memcmp(a.bytes, mapped, 12)) return a.bytes[12] == 10 ? SLUICE_VIEW("DE") : SLUICE_VIEW("FR");
  return a.bytes[0] == 0x20 ? SLUICE_VIEW("") : (sluice_view){NULL, 0};
}
SLUICE_EXPORT int32_t longer(sluice_view text, int64_t than) { return (int64_t)text.size > than ? 7 : 0; }
SLUICE_EXPORT double scale(int32_t on, double a, int64_t b) { return on ? a * (double)b : -1; }
SLUICE_EXPORT int64_t count(void) { static int64_t n = -3000000000; return n++; }
SLUICE_EXPORT sluice_ip network(sluice_ip a, int64_t bits) {
  for (int64_t i = bits; i < 128; i++) a.bytes[i / 8] &= (uint8_t)~(0x80 >> (i & 7));
  return a;
}
/* Eight arguments: pairs and numbers, more than registers take. */
SLUICE_EXPORT sluice_view all(int32_t b, int64_t i, double d, sluice_view s, sluice_view y, sluice_ip p, double e, int64_t j) {
  int n = snprintf(buffer, sizeof buffer, "%d|%lld|%g|%.*s|%.*s|%d|%g|%lld", b, (long long)i, d, (int)s.size, (const char *)s.data, (int)y.size,
                   (const char *)y.data, p.bytes[15], e, (long long)j);
  return sluice_view_of(buffer, (uint64_t)n);
}
SLUICE_EXPORT sluice_view fill(int64_t n) { memset(buffer, 'x', sizeof buffer); return sluice_view_of(buffer, (uint64_t)n); }
SLUICE_EXPORT sluice_view lie(void) { sluice_view v = {NULL, 9}; return v; }
SLUICE_EXPORT int64_t data = 1;

#ifdef PLUGIN
#ifndef LIE
#define LIE 0
#endif
static int32_t init(const sluice_host *host, void **state) { (void)host; (void)state; return SLUICE_OK; }
static int32_t rewrite(void *instance, sluice_request *r) { (void)instance; (void)r; return SLUICE_CONTINUE; }
static sluice_rule_function list[65] = {
    {"country", NULL, "string(ip)", SLUICE_FUNCTION(country), SLUICE_FUNCTION_PURE, 0},
    {"longer", "text", "bool(string, int)", SLUICE_FUNCTION(longer), 0, 0},
};
static const void *get_extension(void *state, const char *id) {
  static sluice_filter_v1 f = {.size = sizeof f, .rewrite = rewrite};
  static sluice_rule_functions_v1 t = {sizeof t, 2, sizeof(sluice_rule_function), 0, list};
  (void)state;
  switch (LIE) {
    case 0: break;
    case 1: list[1].function = NULL; break;
    case 2: list[1].signature = "string(int"; break;
    case 3: list[1].name = "Longer"; break;
    case 4: list[1].name = "country"; list[1].space = "fixture"; break;
    case 5: t.count = 65; break;
    case 6: t.functions = NULL; break;
    case 7: list[1].flags = 8; break;
    case 8: list[1].space = "request"; break;
    case 9: t.function_size = 24; break;
    case 10: list[1].name = NULL; break;
    case 11: list[1].signature = "string(text)"; break;
  }
  if (!strcmp(id, SLUICE_FILTER_1)) return &f;
  return strcmp(id, SLUICE_RULE_FUNCTIONS_1) ? NULL : &t;
}
SLUICE_PLUGIN(init, NULL, get_extension)
#ifndef NAME
#define NAME "fixture"
#endif
SLUICE_MANIFEST("{\"name\":\"" NAME "\",\"version\":\"1.0.0\",\"abi\":1,\"language\":\"c\",\"phases\":[\"rewrite\"]}")
#endif
