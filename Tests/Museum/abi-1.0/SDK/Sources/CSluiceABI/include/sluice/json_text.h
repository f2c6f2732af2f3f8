/* The text of a JSON string value with its escapes resolved; json.h finds the value. Header-only, no allocation. */
#ifndef SLUICE_JSON_TEXT_H
#define SLUICE_JSON_TEXT_H
#include <sluice/json.h>

static inline int sluice_json_hex4(const char *p, const char *end, uint32_t *out) {
  uint32_t u = 0;
  if (end - p < 4) return 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    uint32_t d = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (c | 32) >= 'a' && (c | 32) <= 'f' ? (uint32_t)((c | 32) - 'a' + 10) : 16u;
    if (d > 15) return 0;
    u = u * 16 + d;
  }
  *out = u;
  return 1;
}

/* The text of a string value, escapes resolved, as UTF-8 into `out` (room: v->size bytes always suffice).
   Returns the number of bytes, or -1: not a string, bad escape, no room. */
static inline int64_t sluice_json_text(const sluice_json *v, char *out, uint64_t room) {
  if (v->type != SLUICE_JSON_STRING || v->size < 2) return -1;
  const char *p = v->text + 1, *end = v->text + v->size - 1;
  uint64_t n = 0;
  while (p < end) {
    if (room - n < 4 && room < v->size) return -1;
    if (*p != '\\') { out[n++] = *p++; continue; }
    if (++p >= end) return -1;
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *hit = *p ? strchr(from, *p) : NULL;
    if (hit) { out[n++] = to[hit - from]; p++; continue; }
    uint32_t u, low;
    if (*p != 'u' || !sluice_json_hex4(p + 1, end, &u)) return -1;
    p += 5;
    if (u >= 0xdc00 && u < 0xe000) return -1;
    if (u >= 0xd800 && u < 0xdc00) {
      if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || !sluice_json_hex4(p + 2, end, &low) || low < 0xdc00 || low > 0xdfff) return -1;
      u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
      p += 6;
    }
    if (u < 0x80) out[n++] = (char)u;
    else if (u < 0x800) { out[n++] = (char)(0xc0 | u >> 6); out[n++] = (char)(0x80 | (u & 63)); }
    else if (u < 0x10000) { out[n++] = (char)(0xe0 | u >> 12); out[n++] = (char)(0x80 | (u >> 6 & 63)); out[n++] = (char)(0x80 | (u & 63)); }
    else {
      out[n++] = (char)(0xf0 | u >> 18);
      out[n++] = (char)(0x80 | (u >> 12 & 63));
      out[n++] = (char)(0x80 | (u >> 6 & 63));
      out[n++] = (char)(0x80 | (u & 63));
    }
  }
  return (int64_t)n;
}

#endif
