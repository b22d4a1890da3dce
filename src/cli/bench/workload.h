// workload.h: the prompts of a load test, the same for the same seed.
//
// shared-prefix: `groups` system prompts of `system_tokens`, each with `prompts_per_group`
// questions of `question_tokens`; shuffled, repeated cyclically. random: every prompt different.
//
// A token is a word of a Vocabulary: with the served model's tokenizer each is exactly one token,
// without it the server's own count (usage) is what reports show.
// Source: scaling-and-benchmarks.md section 11.1.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace nacelle::cli {

// Words that follow a space, so that they join without merging.
using Vocabulary = std::vector<std::string>;

// Common English words: about 1.0 to 1.3 tokens each for models people serve.
[[nodiscard]] Vocabulary english_words();

struct SharedPrefixSpec {
  std::uint32_t groups = 32, prompts_per_group = 32;
  std::uint32_t system_tokens = 2048, question_tokens = 256;
};

struct RandomSpec {
  std::uint32_t prompts = 1000;
  std::uint32_t input_tokens = 1024;
};

// Prompts in the order in which they are sent.
[[nodiscard]] std::vector<std::string> make_shared_prefix(const SharedPrefixSpec& spec,
                                                          const Vocabulary& words,
                                                          std::uint64_t seed);
[[nodiscard]] std::vector<std::string> make_random(const RandomSpec& spec, const Vocabulary& words,
                                                   std::uint64_t seed);

}  // namespace nacelle::cli
