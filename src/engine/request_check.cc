#include "engine/request_check.h"

#include <cmath>

namespace nacelle::engine {
namespace {

// Entries (token, logprob, rank) that one request's prompt_logprobs may hold: 12 bytes each.
constexpr std::uint64_t kMaxPromptLogprobs = std::uint64_t{1} << 24;
constexpr double kMaxLogitBytes = 0x1p40;
constexpr std::uint32_t kMaxBlockSize = 4096;  // see encode_pickle()

class Checker {
 public:
  explicit Checker(std::uint32_t vocab_size) : vocab_size_(vocab_size) {}

  Status token(const char* what, TokenId token) const {
    if (token >= 0 && static_cast<std::uint32_t>(token) < vocab_size_) return {};
    return invalid_argument("{} has token id {}, the vocabulary has {} tokens", what, token,
                            vocab_size_);
  }
  template <class Tokens>
  Status tokens(const char* what, const Tokens& all) const {
    for (const TokenId id : all) RETURN_IF_ERROR(token(what, id));
    return {};
  }

 private:
  std::uint32_t vocab_size_;
};

Status check_numbers(const SamplingParams& params) {
  const auto bad = [](const char* name, float value, const char* accepted) {
    return invalid_argument("{} is {}, it must be {}", name, value, accepted);
  };
  if (!(params.temperature >= 0) || std::isinf(params.temperature)) {
    return bad("temperature", params.temperature, "at least 0");
  }
  if (!(params.top_p > 0 && params.top_p <= 1)) return bad("top_p", params.top_p, "in (0, 1]");
  if (!(params.min_p >= 0 && params.min_p <= 1)) return bad("min_p", params.min_p, "in [0, 1]");
  if (!(params.repetition_penalty > 0) || std::isinf(params.repetition_penalty)) {
    return bad("repetition_penalty", params.repetition_penalty, "above 0");
  }
  if (!std::isfinite(params.presence_penalty)) {
    return bad("presence_penalty", params.presence_penalty, "finite");
  }
  if (!std::isfinite(params.frequency_penalty)) {
    return bad("frequency_penalty", params.frequency_penalty, "finite");
  }
  if (params.max_tokens == 0) return invalid_argument("max_tokens is 0, it must be at least 1");
  for (const auto& [token, bias] : params.logit_bias) {
    if (!std::isfinite(bias)) return bad("logit_bias", bias, "finite");
  }
  return {};
}

Status check_speculative(const SpeculativeOptions& options) {
  if (!options.enabled()) return {};
  if (options.num_speculative_tokens > kMaxDraftTokens) {
    return invalid_argument("num_speculative_tokens is {}, it must be 1 to {}",
                            options.num_speculative_tokens, kMaxDraftTokens);
  }
  if (options.prompt_lookup_min == 0 || options.prompt_lookup_max < options.prompt_lookup_min) {
    return invalid_argument(
        "prompt_lookup_min is {} and prompt_lookup_max is {}, they must be at least 1 and in order",
        options.prompt_lookup_min, options.prompt_lookup_max);
  }
  if (options.max_draft_tokens_per_step == 0) {
    return invalid_argument("max_draft_tokens_per_step is 0, it must be at least 1");
  }
  return {};
}

}  // namespace

std::uint64_t max_logit_rows(const EngineConfig& config) {
  return std::uint64_t{config.max_num_seqs} + config.max_prompt_logprob_rows +
         (config.speculative.enabled() ? config.speculative.max_draft_tokens_per_step : 0);
}

Status check_request(const Request& request, const EngineConfig& config, std::uint32_t vocab_size) {
  const SamplingParams& params = request.params;
  if (request.prompt.empty()) return invalid_argument("the prompt is empty");
  if (request.prompt.size() >= config.max_model_len) {
    return out_of_range("the prompt has {} tokens, this engine accepts {} with at least one output",
                        request.prompt.size(), config.max_model_len - 1);
  }
  RETURN_IF_ERROR(check_numbers(params));
  if (request.num_resumed_tokens >= request.prompt.size()) {
    return invalid_argument("{} of {} prompt tokens are said to be resumed outputs",
                            request.num_resumed_tokens, request.prompt.size());
  }
  if (request.num_resumed_tokens >= params.max_tokens) {
    return invalid_argument("{} resumed outputs leave nothing of max_tokens {}",
                            request.num_resumed_tokens, params.max_tokens);
  }
  const Checker check(vocab_size);
  RETURN_IF_ERROR(check.tokens("the prompt", request.prompt));
  RETURN_IF_ERROR(check.tokens("stop_token_ids", params.stop_token_ids));
  RETURN_IF_ERROR(check.tokens("allowed_token_ids", params.allowed_token_ids));
  for (const auto& word : params.bad_words) RETURN_IF_ERROR(check.tokens("bad_words", word));
  for (const auto& [token, bias] : params.logit_bias) {
    RETURN_IF_ERROR(check.token("logit_bias", token));
  }

  if (params.prompt_logprobs >= 0) {
    const std::uint64_t per_position =
        1 + std::min<std::uint64_t>(static_cast<std::uint64_t>(params.prompt_logprobs), vocab_size);
    if (per_position * request.prompt.size() > kMaxPromptLogprobs) {
      return out_of_range("prompt_logprobs of {} tokens with {} entries each exceed {} entries",
                          request.prompt.size(), per_position, kMaxPromptLogprobs);
    }
  }
  return {};
}

Status check_config(const EngineConfig& config, std::uint32_t vocab_size) {
  if (vocab_size == 0) return invalid_argument("the model's vocabulary is empty");
  if (config.block_size == 0 || config.block_size > kMaxBlockSize) {
    return invalid_argument("block_size is {}, it must be 1 to {}", config.block_size,
                            kMaxBlockSize);
  }
  if (config.num_blocks < 2) {
    return invalid_argument("num_blocks is {}, it must be at least 2 (block 0 is not usable)",
                            config.num_blocks);
  }
  if (config.max_model_len < 2) {
    return invalid_argument("max_model_len is {}, it must be at least 2", config.max_model_len);
  }
  if (config.max_num_batched_tokens == 0) {
    return invalid_argument("max_num_batched_tokens is 0, it must be at least 1");
  }
  if (config.max_num_seqs == 0) return invalid_argument("max_num_seqs is 0, it must be at least 1");
  if (config.max_prompt_logprob_rows == 0) {
    return invalid_argument("max_prompt_logprob_rows is 0, it must be at least 1");
  }
  RETURN_IF_ERROR(check_speculative(config.speculative));
  const double rows = static_cast<double>(max_logit_rows(config));
  if (rows * vocab_size * sizeof(float) > kMaxLogitBytes) {
    return invalid_argument(
        "max_num_seqs {} and max_prompt_logprob_rows {} mean {:.0f} GiB of logits for {} tokens",
        config.max_num_seqs, config.max_prompt_logprob_rows,
        rows * vocab_size * sizeof(float) / (1 << 30), vocab_size);
  }
  if (!config.enable_chunked_prefill && config.max_num_batched_tokens < config.max_model_len) {
    return invalid_argument(
        "max_num_batched_tokens is {}, without chunked prefill it must be at least max_model_len "
        "{}",
        config.max_num_batched_tokens, config.max_model_len);
  }
  if (config.eos_token >= 0 && static_cast<std::uint32_t>(config.eos_token) >= vocab_size) {
    return invalid_argument("eos_token is {}, the vocabulary has {} tokens", config.eos_token,
                            vocab_size);
  }
  return {};
}

}  // namespace nacelle::engine
