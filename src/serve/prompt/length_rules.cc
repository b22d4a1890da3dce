#include "serve/prompt/length_rules.h"

#include <algorithm>

namespace nacelle::serve {
namespace {

using openai::Check;
using openai::Error;
using openai::SamplingFields;
using openai::typed_value_error;
using openai::value_error;

Error too_long(std::int64_t prompt, const SamplingFields& fields, std::int64_t max_model_len,
               std::string_view at_least, std::string param) {
  // The output cannot fill the context alone, so the sum stays far from the end of the range.
  const std::int64_t output = fields.max_tokens.value_or(0);
  return typed_value_error(
      fmt::format("This model's maximum context length is {} tokens. However, you requested {} "
                  "output tokens and your prompt contains {}{} input tokens, for a total of {}{} "
                  "tokens. Please reduce the length of the input prompt or the number of requested "
                  "output tokens.",
                  max_model_len, output, at_least, prompt, at_least, prompt + output),
      std::move(param), std::to_string(prompt));
}

}  // namespace

Check check_requested_lengths(const SamplingFields& fields, std::int64_t max_model_len) {
  if (fields.max_tokens && *fields.max_tokens > max_model_len) {
    return typed_value_error(
        fmt::format("{}={} cannot be greater than max_model_len={}. Please request fewer output "
                    "tokens.",
                    fields.max_tokens_name, *fields.max_tokens, max_model_len),
        fields.max_tokens_name, std::to_string(*fields.max_tokens));
  }
  if (fields.truncate_prompt_tokens && *fields.truncate_prompt_tokens > max_model_len) {
    return value_error(
        fmt::format("truncate_prompt_tokens value ({}) is greater than max_model_len ({}). Please, "
                    "select a smaller truncation size.",
                    *fields.truncate_prompt_tokens, max_model_len),
        "truncate_prompt_tokens");
  }
  return {};
}

void truncate_prompt(std::vector<TokenId>& prompt, const SamplingFields& fields,
                     std::int64_t max_model_len, TruncationSide side) {
  if (!fields.truncate_prompt_tokens) return;
  std::int64_t limit = *fields.truncate_prompt_tokens;
  if (limit < 0) limit = std::max<std::int64_t>(max_model_len - fields.max_tokens.value_or(1), 0);
  if (static_cast<std::int64_t>(prompt.size()) <= limit) return;
  if (side == TruncationSide::kRight) {
    prompt.resize(static_cast<std::size_t>(limit));
  } else {
    prompt.erase(prompt.begin(), prompt.end() - limit);
  }
}

Check check_lengths(std::int64_t num_prompt_tokens, const SamplingFields& fields,
                    std::int64_t max_model_len) {
  if (num_prompt_tokens == 0) return value_error("The decoder prompt cannot be empty", "prompt");
  if (num_prompt_tokens >= max_model_len ||
      num_prompt_tokens + fields.max_tokens.value_or(0) > max_model_len) {
    return too_long(num_prompt_tokens, fields, max_model_len, "", "input_tokens");
  }
  return {};
}

Error prompt_too_long_by_text(std::int64_t at_least_tokens, const SamplingFields& fields,
                              std::int64_t max_model_len) {
  return too_long(at_least_tokens, fields, max_model_len, "at least ", "input_text");
}

}  // namespace nacelle::serve
