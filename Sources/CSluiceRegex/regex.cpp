// RE2 behind C names. Patterns come from people who may configure the gateway, texts from clients: the first are bounded in memory, the
// second cost linear time.
#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "CSluiceRegex.h"

struct cs_regex {
  RE2 re;
  cs_regex(re2::StringPiece pattern, const RE2::Options &options) : re(pattern, options) {}
};

static void say(const std::string &why, char *error, size_t size) {
  if (size == 0) return;
  size_t n = std::min(size - 1, why.size());
  memcpy(error, why.data(), n);
  error[n] = 0;
}

cs_regex *cs_regex_make(const char *pattern, size_t count, int64_t memory_max, char *error, size_t error_size) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_max);
  auto *regex = new (std::nothrow) cs_regex(re2::StringPiece(pattern, count), options);
  if (!regex) return say("out of memory", error, error_size), nullptr;
  if (regex->re.ok()) return regex;
  say(regex->re.error(), error, error_size);
  delete regex;
  return nullptr;
}

void cs_regex_free(cs_regex *regex) { delete regex; }

int cs_regex_search(const cs_regex *regex, const char *text, size_t count) {
  return regex->re.Match(re2::StringPiece(text, count), 0, count, RE2::UNANCHORED, nullptr, 0);
}

int cs_regex_groups(const cs_regex *regex) { return regex->re.NumberOfCapturingGroups(); }

int cs_regex_capture(const cs_regex *regex, const char *text, size_t count, int32_t *spans, int pairs) {
  re2::StringPiece groups[17];
  pairs = std::min(pairs, 17);
  if (!regex->re.Match(re2::StringPiece(text, count), 0, count, RE2::UNANCHORED, groups, pairs)) return 0;
  for (int i = 0; i < pairs; i++) {
    bool took = groups[i].data() != nullptr;
    spans[2 * i] = took ? int32_t(groups[i].data() - text) : -1;
    spans[2 * i + 1] = took ? int32_t(groups[i].data() - text + groups[i].size()) : -1;
  }
  return 1;
}
