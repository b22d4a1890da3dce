#include "serve/prompt/prompt_tokens.h"

#include "serve/prompt/length_rules.h"
#include "serve/sampling.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::serve {

openai::Parsed<std::vector<TokenId>> tokenize_prompt(const ServerState& state,
                                                     std::string_view text, bool add_special_tokens,
                                                     const openai::SamplingFields& fields) {
  const auto limit = static_cast<std::int64_t>(state.config.max_model_len);
  if (!fields.truncate_prompt_tokens) {
    const auto at_least = static_cast<std::int64_t>(text.size() / state.longest_token);
    if (at_least > limit) return prompt_too_long_by_text(at_least, fields, limit);
  }
  return state.parts.tokenizer->encode(text, {.add_special_tokens = add_special_tokens});
}

openai::Parsed<std::vector<TokenId>> check_token_ids(const ServerState& state,
                                                     const std::vector<std::int64_t>& ids,
                                                     std::string_view param) {
  std::vector<TokenId> out;
  out.reserve(ids.size());
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= static_cast<std::int64_t>(state.config.vocab_size)) {
      return openai::value_error(fmt::format("Token id {} is out of vocabulary", id),
                                 std::string(param));
    }
    out.push_back(static_cast<TokenId>(id));
  }
  return out;
}

openai::Parsed<PlannedPrompt> finish_prompt(const ServerState& state, std::vector<TokenId> tokens,
                                            const openai::SamplingFields& fields,
                                            std::optional<std::int64_t> logprobs) {
  const auto limit = static_cast<std::int64_t>(state.config.max_model_len);
  truncate_prompt(tokens, fields, limit, TruncationSide::kLeft);
  const auto count = static_cast<std::int64_t>(tokens.size());
  if (openai::Check bad = check_lengths(count, fields, limit)) return *bad;
  const EncodeText encode = [&](std::string_view text) -> Result<std::vector<TokenId>> {
    return state.parts.tokenizer->encode(text, {.add_special_tokens = false});
  };
  auto params = resolve_sampling(fields, logprobs, state.config, count, encode);
  if (!params) return params.error();
  return PlannedPrompt{
      .tokens = std::move(tokens), .text = {}, .params = std::move(params).value()};
}

openai::Check check_total_tokens(const ServerState& state, const GenerationPlan& plan) {
  const std::int64_t tokens = plan.num_prompt_tokens() * plan.choices_per_prompt;
  if (tokens <= state.config.max_tokens_per_request) return {};
  return openai::value_error(
      fmt::format("n x prompt tokens is {} x {}, at most {} are accepted in one request.",
                  plan.choices_per_prompt, plan.num_prompt_tokens(),
                  state.config.max_tokens_per_request),
      "n");
}

}  // namespace nacelle::serve
