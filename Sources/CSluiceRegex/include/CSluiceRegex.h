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

/* Sets: many patterns, each with a number, searched for at once (Vectorscan). A set is one block without pointers: it may be copied and
 * mapped anywhere at a multiple of CS_REGEX_ALIGNMENT. Patterns end with a NUL; bytes are compared, `.` is any byte but newline. */
#define CS_REGEX_ALIGNMENT 64
typedef struct cs_regex_bytes cs_regex_bytes;
/* Compiles `count` patterns into a set, for any processor of this architecture. NULL: refused; `error` says why and `*which` is the pattern
 * (-1: all together). Milliseconds for a few, seconds for thousands. */
cs_regex_bytes *cs_regex_set_make(const char *const *patterns, const uint32_t *numbers, uint32_t count, char *error, size_t error_size,
                                  int32_t *which);
const void *cs_regex_set_bytes(const cs_regex_bytes *set, size_t *count);
void cs_regex_set_free(cs_regex_bytes *set);
/* Whether the block is a set of exactly this size that this library can run. It trusts the inside: whoever keeps sets keeps a digest. */
int cs_regex_set_check(const void *set, size_t count);
/* Makes room for searching this set, and for `numbers` matches, in the calling thread. 0: no memory. */
int cs_regex_set_prepare(const void *set, uint32_t numbers);
/* Begins a search in the calling thread: no match yet. */
void cs_regex_set_begin(void);
/* Adds the numbers of the set's patterns that match somewhere in the text, each once. 0: the search failed. */
int cs_regex_set_scan(const void *set, const char *text, size_t count);
/* What was found since `begin`: valid until the next begin of this thread. */
uint32_t cs_regex_set_matches(const uint32_t **numbers);

#ifdef __cplusplus
}
#endif
#endif
