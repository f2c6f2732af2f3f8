/* Draft: "sluice.dictionary/1", the host's side: dictionaries in memory that all workers share; not promised, and no host serves it yet.
   Every verb is atomic. Keys are 1 … 65,535 bytes; `ttl_ms` counts from now, 0 is for ever. A zone outlives its workers, not the master.
   Draft headers are not included by sluice.h and may change in any release; list the id in "optional", never in "needs". */
#ifndef SLUICE_DRAFT_DICT_H
#define SLUICE_DRAFT_DICT_H
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_DICTIONARY_1 "sluice.dictionary/1"

/* A zone of the configuration; valid until destroy has returned. */
typedef struct sluice_dictionary sluice_dictionary;

typedef struct sluice_dictionary_v1 {
  /* sizeof(sluice_dictionary_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The zone called `name`, NULL when the configuration has none. Ask in init and keep it. [worker | any | must not park] */
  sluice_dictionary *(*open)(const sluice_host *host, sluice_view name);

  /* The value, copied into `value` (at most `room` bytes); `*size` is its length, `*flags` (may be NULL) what set gave. A hit makes the
     entry the youngest. SLUICE_ENOTFOUND: absent or expired. SLUICE_ELIMIT: longer than `room`; its beginning was copied.
     [worker | any | must not park] */
  int32_t (*get)(sluice_dictionary *zone, sluice_view key, uint8_t *value, uint64_t room, uint64_t *size, uint32_t *flags);

  /* Stores a value. Returns how many living entries had to go for it (0 … ). SLUICE_ENOMEM: it does not fit; an old value stays.
     [worker | any | must not park] */
  int32_t (*set)(sluice_dictionary *zone, sluice_view key, sluice_view value, uint64_t ttl_ms, uint32_t flags);

  /* Stores a value when no living one is there. Returns 1 when it was stored, 0 when there is one already.
     [worker | any | must not park] */
  int32_t (*add)(sluice_dictionary *zone, sluice_view key, sluice_view value, uint64_t ttl_ms, uint32_t flags);

  /* Adds `by` to a number and gives the new one; an absent entry starts at `initial` with `ttl_ms`, one that is there keeps its time.
     SLUICE_EINVAL: the value is no number, or the sum overflows; nothing changed. [worker | any | must not park] */
  int32_t (*increment)(sluice_dictionary *zone, sluice_view key, int64_t by, int64_t initial, uint64_t ttl_ms, int64_t *now);

  /* Gives a living entry a new time to live. SLUICE_ENOTFOUND: absent or expired. [worker | any | must not park] */
  int32_t (*expire)(sluice_dictionary *zone, sluice_view key, uint64_t ttl_ms);

  /* Removes the entry; SLUICE_OK also when there was none. [worker | any | must not park] */
  int32_t (*remove)(sluice_dictionary *zone, sluice_view key);
} sluice_dictionary_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_dictionary_v1) == 64, "sluice_dictionary_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_dictionary_v1, get) == 16, "sluice_dictionary_v1.get");
SLUICE_STATIC_ASSERT(offsetof(sluice_dictionary_v1, remove) == 56, "sluice_dictionary_v1.remove");

SLUICE_END
#endif
