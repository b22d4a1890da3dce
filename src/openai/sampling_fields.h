// sampling_fields.h: the fields that completions and chat share, as the client sent them.
//
// nullopt means absent or null: the server's defaults apply (serve/sampling.h resolves them).
// Bounds are checked by validate(); what depends on the model (vocabulary, context) is checked by
// the server.
//
// Source:  engine.md sections 7, 8 and 13.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "openai/error.h"

namespace nacelle::openai {

struct SamplingFields {
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  std::optional<std::int64_t> top_k;
  double presence_penalty = 0, frequency_penalty = 0;
  std::optional<std::int64_t> seed;
  std::int64_t n = 1;

  // nullopt: as many as the context holds.
  std::optional<std::int64_t> max_tokens;
  std::string max_tokens_name = "max_tokens";  // the field that gave it; named in errors
  std::int64_t min_tokens = 0;
  std::vector<std::string> stop;
  std::vector<std::int64_t> stop_token_ids;
  bool ignore_eos = false;
  bool include_stop_str_in_output = false;

  std::vector<std::pair<std::int64_t, double>> logit_bias;
  std::optional<std::vector<std::int64_t>> allowed_token_ids;
  std::vector<std::string> bad_words;

  std::optional<std::int64_t> prompt_logprobs;
  bool skip_special_tokens = true;
  bool spaces_between_special_tokens = true;
  std::optional<std::int64_t> truncate_prompt_tokens;
};

// Limits that the operator sets.
struct SamplingLimits {
  std::int64_t max_n = 16384;
  std::int64_t max_logprobs = 20;  // -1 = no cap
};

// Bounds of every field, in the order and with the words that clients know. `logprobs` is the
// number of alternatives asked for, whatever field of the endpoint gave it.
[[nodiscard]] Check validate(const SamplingFields& fields, std::optional<std::int64_t> logprobs,
                             const SamplingLimits& limits);

}  // namespace nacelle::openai
