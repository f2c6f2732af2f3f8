/* A small JSON reader for C plugins: header-only, no allocation, every depth bounded. It walks text that configure got
   (which the host has checked to be one complete JSON object) and is safe on any other bytes too.

     sluice_json config = sluice_json_parse(view), keys, key;
     if (!sluice_json_get(&config, "keys", &keys) || keys.type != SLUICE_JSON_ARRAY) …
     for (sluice_json_each it = sluice_json_iterate(&keys); sluice_json_next(&it, NULL, &key);) …                */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H
#include <sluice/base.h>
#include <string.h>

enum {
  SLUICE_JSON_NONE = 0, /* absent, or not JSON */
  SLUICE_JSON_NULL, SLUICE_JSON_FALSE, SLUICE_JSON_TRUE, SLUICE_JSON_NUMBER, SLUICE_JSON_STRING, SLUICE_JSON_ARRAY,
  SLUICE_JSON_OBJECT,
};
#define SLUICE_JSON_DEPTH_MAX 32

/* One value: its text as it stands, quotes and brackets included. */
typedef struct sluice_json { uint32_t type; const char *text; uint64_t size; } sluice_json;
typedef struct sluice_json_each { const char *at, *end; char close; } sluice_json_each;

static inline const char *sluice_json_space(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
  return p;
}

/* End of the string that starts at p ('"'), or NULL. */
static inline const char *sluice_json_string_end(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++) if (*p == '\\' && p + 1 < end) p++;
  return p < end ? p + 1 : NULL;
}

/* Reads the value at *p and moves behind it; type NONE when there is none. */
static inline sluice_json sluice_json_value(const char **p, const char *end) {
  sluice_json v = {SLUICE_JSON_NONE, *p, 0};
  const char *q = *p;
  if (q >= end) return v;
  if (*q == '"') {
    if (!(q = sluice_json_string_end(q, end))) return v;
    v.type = SLUICE_JSON_STRING;
  } else if (*q == '{' || *q == '[') {
    int depth = 0;
    do {
      if (*q == '"') {
        if (!(q = sluice_json_string_end(q, end))) return v;
        continue;
      }
      if (*q == '{' || *q == '[') depth++;
      if (*q == '}' || *q == ']') depth--;
      if (depth > SLUICE_JSON_DEPTH_MAX) return v;
      q++;
    } while (q < end && depth > 0);
    if (depth) return v;
    v.type = **p == '{' ? SLUICE_JSON_OBJECT : SLUICE_JSON_ARRAY;
  } else {
    while (q < end && ((*q >= '0' && *q <= '9') || (*q >= 'a' && *q <= 'z') || *q == '-' || *q == '+' || *q == '.' || *q == 'E')) q++;
    uint64_t n = (uint64_t)(q - *p);
    if (n == 4 && !memcmp(*p, "null", 4)) v.type = SLUICE_JSON_NULL;
    else if (n == 4 && !memcmp(*p, "true", 4)) v.type = SLUICE_JSON_TRUE;
    else if (n == 5 && !memcmp(*p, "false", 5)) v.type = SLUICE_JSON_FALSE;
    else if (n && (**p == '-' || (**p >= '0' && **p <= '9'))) v.type = SLUICE_JSON_NUMBER;
    else return v;
  }
  v.size = (uint64_t)(q - v.text);
  *p = q;
  return v;
}

static inline sluice_json sluice_json_parse(sluice_view text) {
  const char *p = (const char *)text.data, *end = p + text.size;
  sluice_json none = {SLUICE_JSON_NONE, "", 0};
  if (!text.size) return none;
  p = sluice_json_space(p, end);
  return sluice_json_value(&p, end);
}

/* Over the members of an object or the elements of an array. */
static inline sluice_json_each sluice_json_iterate(const sluice_json *v) {
  sluice_json_each it = {v->text + 1, v->text + v->size, (char)(v->type == SLUICE_JSON_OBJECT ? '}' : ']')};
  if (v->type != SLUICE_JSON_OBJECT && v->type != SLUICE_JSON_ARRAY) it.at = it.end = v->text;
  return it;
}

/* 1 and the next one, or 0 at the end. `key` (a string value; may be NULL) is of type NONE for arrays. */
static inline int sluice_json_next(sluice_json_each *it, sluice_json *key, sluice_json *value) {
  sluice_json k = {SLUICE_JSON_NONE, "", 0};
  const char *p = sluice_json_space(it->at, it->end);
  if (p < it->end && *p == ',') p = sluice_json_space(p + 1, it->end);
  if (p >= it->end || *p == it->close) return 0;
  if (it->close == '}') {
    k = sluice_json_value(&p, it->end);
    p = sluice_json_space(p, it->end);
    if (k.type != SLUICE_JSON_STRING || p >= it->end || *p != ':') return 0;
    p = sluice_json_space(p + 1, it->end);
  }
  *value = sluice_json_value(&p, it->end);
  if (key) *key = k;
  it->at = p;
  return value->type != SLUICE_JSON_NONE;
}

/* Is this string value, unescaped keys only, equal to `name`? */
static inline int sluice_json_is(const sluice_json *v, const char *name) {
  size_t n = strlen(name);
  return v->type == SLUICE_JSON_STRING && v->size == n + 2 && !memcmp(v->text + 1, name, n);
}

/* 1 and the member called `name`, or 0. */
static inline int sluice_json_get(const sluice_json *object, const char *name, sluice_json *value) {
  sluice_json key;
  sluice_json_each it = sluice_json_iterate(object);
  if (object->type != SLUICE_JSON_OBJECT) return 0;
  while (sluice_json_next(&it, &key, value)) if (sluice_json_is(&key, name)) return 1;
  return 0;
}

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
    else { out[n++] = (char)(0xf0 | u >> 18); out[n++] = (char)(0x80 | (u >> 12 & 63)); out[n++] = (char)(0x80 | (u >> 6 & 63)); out[n++] = (char)(0x80 | (u & 63)); }
  }
  return (int64_t)n;
}

#endif
