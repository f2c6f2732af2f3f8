// Vectorscan behind C names: sets of patterns as blocks that lie in an image and are searched where they lie. What a search needs beside
// the set belongs to the thread and is made when the set is prepared, so that a search allocates nothing.
#include <hs/hs.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "CSluiceRegex.h"

struct cs_regex_bytes {
  void *start;
  size_t count;
};

static void say(const char *why, char *error, size_t size) {
  if (size == 0) return;
  size_t n = std::min(size - 1, strlen(why));
  memcpy(error, why, n);
  error[n] = 0;
}

cs_regex_bytes *cs_regex_set_make(const char *const *patterns, const uint32_t *numbers, uint32_t count, char *error, size_t error_size,
                                  int32_t *which) {
  std::vector<unsigned> flags(count, HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY);
  hs_platform_info_t any = {};  // no feature that a machine to which an image is moved may lack; measured: as fast
  hs_database_t *database = nullptr;
  hs_compile_error_t *problem = nullptr;
  *which = -1;
  if (hs_compile_multi(patterns, flags.data(), numbers, count, HS_MODE_BLOCK, &any, &database, &problem) != HS_SUCCESS) {
    say(problem ? problem->message : "out of memory", error, error_size);
    if (problem) *which = problem->expression;
    hs_free_compile_error(problem);
    return nullptr;
  }
  // The compiled form finds its code by an offset that is right at every address that is aligned like the one it was unpacked to.
  char *packed = nullptr;
  size_t packed_size = 0, size = 0;
  auto *set = static_cast<cs_regex_bytes *>(calloc(1, sizeof(cs_regex_bytes)));
  bool fine = set && hs_serialize_database(database, &packed, &packed_size) == HS_SUCCESS &&
              hs_serialized_database_size(packed, packed_size, &size) == HS_SUCCESS;
  hs_free_database(database);
  size_t room = (size + CS_REGEX_ALIGNMENT - 1) / CS_REGEX_ALIGNMENT * CS_REGEX_ALIGNMENT;
  if (fine) fine = (set->start = aligned_alloc(CS_REGEX_ALIGNMENT, room)) != nullptr;
  if (fine) {
    memset(set->start, 0, room);  // gaps are the same in every run
    set->count = size;
    fine = hs_deserialize_database_at(packed, packed_size, static_cast<hs_database_t *>(set->start)) == HS_SUCCESS;
  }
  free(packed);
  if (fine) return set;
  say("out of memory", error, error_size);
  if (set) cs_regex_set_free(set);
  return nullptr;
}

const void *cs_regex_set_bytes(const cs_regex_bytes *set, size_t *count) {
  *count = set->count;
  return set->start;
}

void cs_regex_set_free(cs_regex_bytes *set) {
  free(set->start);
  free(set);
}

int cs_regex_set_check(const void *set, size_t count) {
  if (reinterpret_cast<uintptr_t>(set) % CS_REGEX_ALIGNMENT || count < 64) return 0;
  size_t size = 0;
  return hs_database_size(static_cast<const hs_database_t *>(set), &size) == HS_SUCCESS && size == count;
}

static thread_local hs_scratch_t *scratch;
static thread_local uint32_t *found, found_count, found_room;

int cs_regex_set_prepare(const void *set, uint32_t numbers) {
  if (numbers > found_room) {
    auto *more = static_cast<uint32_t *>(realloc(found, numbers * sizeof(uint32_t)));
    if (!more) return 0;
    found = more;
    found_room = numbers;
  }
  return hs_alloc_scratch(static_cast<const hs_database_t *>(set), &scratch) == HS_SUCCESS;
}

void cs_regex_set_begin(void) { found_count = 0; }

static int take(unsigned number, unsigned long long, unsigned long long, unsigned, void *) {
  if (found_count == found_room) return 1;
  found[found_count++] = number;
  return 0;
}

int cs_regex_set_scan(const void *set, const char *text, size_t count) {
  return hs_scan(static_cast<const hs_database_t *>(set), text, unsigned(count), 0, scratch, take, nullptr) == HS_SUCCESS;
}

uint32_t cs_regex_set_matches(const uint32_t **numbers) {
  *numbers = found;
  return found_count;
}
