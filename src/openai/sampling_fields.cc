#include "openai/sampling_fields.h"

#include <cmath>

#include "openai/json_writer.h"
#include "openai/limits.h"

namespace nacelle::openai {
namespace {

Check check_penalty(std::string_view name, double value) {
  if (value >= -2.0 && value <= 2.0) return {};
  return value_error(fmt::format("{} must be in [-2, 2], got {}.", name, python_float(value)),
                     std::string(name));
}

Check check_count(std::string_view name, std::optional<std::int64_t> value,
                  const SamplingLimits& limits, std::string_view what) {
  if (!value) return {};
  if (*value < -1) {
    return typed_value_error(fmt::format("{} must be non-negative or -1, got {}.", name, *value),
                             std::string(name), std::to_string(*value));
  }
  if (limits.max_logprobs < 0) return {};
  if (*value >= 0 && *value <= limits.max_logprobs) return {};
  const std::string asked = *value == -1 ? "the whole vocabulary" : std::to_string(*value);
  return typed_value_error(
      fmt::format("Requested {} logprobs of {}, which is greater than max allowed: {}", what, asked,
                  limits.max_logprobs),
      std::string(name), std::to_string(*value));
}

Check validate_lengths(const SamplingFields& fields) {
  if (fields.max_tokens && *fields.max_tokens < 1) {
    return typed_value_error(
        fmt::format("{} must be at least 1, got {}.", fields.max_tokens_name, *fields.max_tokens),
        fields.max_tokens_name, std::to_string(*fields.max_tokens));
  }
  if (fields.min_tokens < 0) {
    return value_error(
        fmt::format("min_tokens must be greater than or equal to 0, got {}.", fields.min_tokens),
        "min_tokens");
  }
  if (fields.max_tokens && fields.min_tokens > *fields.max_tokens) {
    return value_error(
        fmt::format("min_tokens must be less than or equal to max_tokens={}, got {}.",
                    *fields.max_tokens, fields.min_tokens),
        "min_tokens");
  }
  if (fields.truncate_prompt_tokens && *fields.truncate_prompt_tokens < -1) {
    return value_error(fmt::format("truncate_prompt_tokens must be at least -1, got {}.",
                                   *fields.truncate_prompt_tokens),
                       "truncate_prompt_tokens");
  }
  return {};
}

Check validate_lists(const SamplingFields& fields) {
  if (fields.stop.size() > kMaxStopStrings) {
    return value_error(fmt::format("stop has {} strings, at most {} are accepted.",
                                   fields.stop.size(), kMaxStopStrings),
                       "stop");
  }
  for (const std::string& stop : fields.stop) {
    if (stop.empty()) return value_error("stop cannot contain an empty string.", "stop");
    if (stop.size() > kMaxStopStringBytes) {
      return value_error(fmt::format("stop has a string of {} bytes, at most {} are accepted.",
                                     stop.size(), kMaxStopStringBytes),
                         "stop");
    }
  }
  if (fields.bad_words.size() > kMaxBadWords) {
    return value_error(fmt::format("bad_words has {} words, at most {} are accepted.",
                                   fields.bad_words.size(), kMaxBadWords),
                       "bad_words");
  }
  for (const std::string& word : fields.bad_words) {
    if (word.empty()) return value_error("bad_words cannot contain an empty string.", "bad_words");
  }
  if (fields.allowed_token_ids && fields.allowed_token_ids->empty()) {
    return value_error("allowed_token_ids is not None and empty!", "allowed_token_ids");
  }
  const auto check_size = [](std::string_view name, std::size_t size) -> Check {
    if (size <= kMaxTokenSetSize) return {};
    return value_error(
        fmt::format("{} has {} entries, at most {} are accepted.", name, size, kMaxTokenSetSize),
        std::string(name));
  };
  if (Check bad = check_size("stop_token_ids", fields.stop_token_ids.size())) return bad;
  if (Check bad = check_size("logit_bias", fields.logit_bias.size())) return bad;
  return check_size("allowed_token_ids",
                    fields.allowed_token_ids ? fields.allowed_token_ids->size() : 0);
}

Check validate_choice_count(const SamplingFields& fields, const SamplingLimits& limits) {
  if (fields.n < 1) {
    return value_error(fmt::format("n must be at least 1, got {}.", fields.n), "n");
  }
  if (fields.n > limits.max_n) {
    return value_error(fmt::format("n must be at most {}, got {}. To increase this limit, set the "
                                   "VLLM_MAX_N_SEQUENCES environment variable.",
                                   limits.max_n, fields.n),
                       "n");
  }
  return {};
}

// The checks are written so that a NaN fails them.
Check validate_distribution(const SamplingFields& fields) {
  if (Check bad = check_penalty("presence_penalty", fields.presence_penalty)) return bad;
  if (Check bad = check_penalty("frequency_penalty", fields.frequency_penalty)) return bad;
  if (const auto r = fields.repetition_penalty; r && !(*r > 0.0 && std::isfinite(*r))) {
    return value_error(
        fmt::format("repetition_penalty must be greater than zero, got {}.", python_float(*r)),
        "repetition_penalty");
  }
  if (const auto t = fields.temperature; t && !(*t >= 0.0 && std::isfinite(*t))) {
    return typed_value_error(
        fmt::format("temperature must be non-negative, got {}.", python_float(*t)), "temperature",
        python_float(*t));
  }
  if (const auto p = fields.top_p; p && !(*p > 0.0 && *p <= 1.0)) {
    return typed_value_error(fmt::format("top_p must be in (0, 1], got {}.", python_float(*p)),
                             "top_p", python_float(*p));
  }
  if (const auto k = fields.top_k; k && *k < -1) {
    return value_error(fmt::format("top_k must be 0 (disable), or at least 1, got {}.", *k),
                       "top_k");
  }
  if (const auto p = fields.min_p; p && !(*p >= 0.0 && *p <= 1.0)) {
    return value_error(fmt::format("min_p must be in [0, 1], got {}.", python_float(*p)), "min_p");
  }
  return {};
}

}  // namespace

Check validate(const SamplingFields& fields, std::optional<std::int64_t> logprobs,
               const SamplingLimits& limits) {
  if (Check bad = validate_choice_count(fields, limits)) return bad;
  if (Check bad = validate_distribution(fields)) return bad;
  if (Check bad = validate_lengths(fields)) return bad;
  if (Check bad = check_count("logprobs", logprobs, limits, "sample")) return bad;
  if (Check bad = check_count("prompt_logprobs", fields.prompt_logprobs, limits, "prompt")) {
    return bad;
  }
  return validate_lists(fields);
}

}  // namespace nacelle::openai
