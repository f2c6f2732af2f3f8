/* A small JSON reader for C plugins (texts with escapes: json_text.h): header-only, no allocation, every depth bounded. It walks text
   that configure got (which the host has checked to be one complete JSON object) and is safe on any other bytes too.

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

#endif
