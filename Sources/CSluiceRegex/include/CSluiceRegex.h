/* RE2 (single patterns) and Vectorscan (many at once) by names that Swift can call: linear time, never a backtracking engine on what
 * clients send. No policy here: what a pattern may be is said in SluiceCEL and SluiceRules. */
#ifndef CSLUICE_REGEX_H
#define CSLUICE_REGEX_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* A compiled pattern; made and freed by one thread, matching changes only caches inside. */
typedef struct cs_regex cs_regex;

/* Compiles `count` bytes of RE2 syntax, at most `memory_max` bytes of program and cache. NULL: refused; the reason is in `error`, cut to
 * `error_size` with its NUL. */
cs_regex *cs_regex_make(const char *pattern, size_t count, int64_t memory_max, char *error, size_t error_size);
void cs_regex_free(cs_regex *regex);
/* Whether the pattern matches anywhere in the text. */
int cs_regex_search(const cs_regex *regex, const char *text, size_t count);
/* Number of capturing groups. */
int cs_regex_groups(const cs_regex *regex);
/* Like search; begin and end of the whole match and of the groups, 2 × `pairs` numbers, -1 = took no part. */
int cs_regex_capture(const cs_regex *regex, const char *text, size_t count, int32_t *spans, int pairs);

#ifdef __cplusplus
}
#endif
#endif
