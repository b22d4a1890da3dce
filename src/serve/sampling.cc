#include "serve/sampling.h"

#include <algorithm>

namespace nacelle::serve {
namespace {

using engine::SamplingParams;
using openai::Check;
using openai::SamplingFields;
using openai::value_error;

constexpr double kGreedyBelow = 1e-5;
constexpr double kLowestTemperature = 0.01;  // smaller positive ones overflow the scaled logits

void sort_unique(std::vector<TokenId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

bool in_vocabulary(std::int64_t id, const ServerConfig& config) {
  return id >= 0 && id < static_cast<std::int64_t>(config.vocab_size);
}

Check resolve_distribution(const SamplingFields& fields, const SamplingDefaults& defaults,
                           SamplingParams& out) {
  const auto choose = [](const auto& asked, const auto& recommended, auto neutral) {
    if (asked) return *asked;
    if (recommended) return *recommended;
    return neutral;
  };
  const double temperature = choose(fields.temperature, defaults.temperature, 1.0);
  const std::int64_t top_k = choose(fields.top_k, defaults.top_k, std::int64_t{0});
  out.top_p = static_cast<float>(choose(fields.top_p, defaults.top_p, 1.0));
  out.min_p = static_cast<float>(choose(fields.min_p, defaults.min_p, 0.0));
  out.repetition_penalty =
      static_cast<float>(choose(fields.repetition_penalty, defaults.repetition_penalty, 1.0));
  out.presence_penalty = static_cast<float>(fields.presence_penalty);
  out.frequency_penalty = static_cast<float>(fields.frequency_penalty);
  // Beyond the vocabulary top_k keeps everything; the engine's field is narrower than the client's.
  out.top_k = static_cast<std::int32_t>(std::clamp<std::int64_t>(top_k, 0, INT32_MAX));
  if (temperature >= kGreedyBelow) {
    out.temperature = static_cast<float>(std::max(temperature, kLowestTemperature));
  } else {
    if (fields.n > 1) {
      return value_error(fmt::format("n must be 1 when using greedy sampling, got {}.", fields.n),
                         "n");
    }
    out.temperature = 0;
    out.top_p = 1;
    out.top_k = 0;
    out.min_p = 0;
  }
  if (fields.seed && *fields.seed != -1) out.seed = fields.seed;
  return {};
}

std::uint32_t resolve_max_tokens(const SamplingFields& fields, const ServerConfig& config,
                                 std::int64_t num_prompt_tokens) {
  const SamplingDefaults& defaults = config.defaults;
  std::int64_t tokens = static_cast<std::int64_t>(config.max_model_len) - num_prompt_tokens;
  const auto asked = fields.max_tokens ? fields.max_tokens : defaults.max_new_tokens;
  if (asked) tokens = std::min(tokens, *asked);
  if (defaults.max_new_tokens_cap) tokens = std::min(tokens, *defaults.max_new_tokens_cap);
  return static_cast<std::uint32_t>(std::max<std::int64_t>(tokens, 1));
}

// Ids that the model cannot produce stop nothing and are left out.
void resolve_stop_ids(const SamplingFields& fields, const ServerConfig& config,
                      SamplingParams& out) {
  for (const std::int64_t id : fields.stop_token_ids) {
    if (in_vocabulary(id, config)) out.stop_token_ids.push_back(static_cast<TokenId>(id));
  }
  if (!fields.ignore_eos) {
    for (const TokenId id : config.defaults.extra_eos_token_ids) {
      if (in_vocabulary(id, config)) out.stop_token_ids.push_back(id);
    }
  }
  sort_unique(out.stop_token_ids);
}

Check resolve_bias(const SamplingFields& fields, const ServerConfig& config, SamplingParams& out) {
  for (const auto& [id, bias] : fields.logit_bias) {
    if (!in_vocabulary(id, config)) {
      return value_error(
          fmt::format("token_id(s) [{}] in logit_bias contain out-of-vocab token ids. Vocabulary "
                      "size: {}",
                      id, config.vocab_size),
          "logit_bias");
    }
    out.logit_bias.emplace_back(static_cast<TokenId>(id), static_cast<float>(bias));
  }
  if (!fields.allowed_token_ids) return {};
  for (const std::int64_t id : *fields.allowed_token_ids) {
    if (!in_vocabulary(id, config)) {
      return value_error("allowed_token_ids contains out-of-vocab token id!", "allowed_token_ids");
    }
    out.allowed_token_ids.push_back(static_cast<TokenId>(id));
  }
  sort_unique(out.allowed_token_ids);
  return {};
}

// Each word as it stands at the start of a text and inside one: the form with a leading space is
// added when it is one other word of the same number of tokens.
Check resolve_bad_words(const SamplingFields& fields, const EncodeText& encode,
                        SamplingParams& out) {
  for (const std::string& word : fields.bad_words) {
    const std::string bare =
        word.substr(std::min(word.find_first_not_of(" \t\n\r\f\v"), word.size()));
    auto plain = encode(bare);
    auto spaced = encode(" " + bare);
    if (!plain.ok() || !spaced.ok()) {
      return value_error("bad_words holds a word that cannot be encoded.", "bad_words");
    }
    if (plain->empty()) continue;
    const bool other_word = spaced->size() == plain->size() && spaced->front() != plain->front();
    out.bad_words.push_back(std::move(*plain));
    if (other_word) out.bad_words.push_back(std::move(*spaced));
  }
  return {};
}

std::int32_t engine_count(std::optional<std::int64_t> count) {
  if (!count) return -1;
  if (*count == -1) return SamplingParams::kAllLogprobs;
  return static_cast<std::int32_t>(std::min<std::int64_t>(*count, SamplingParams::kAllLogprobs));
}

}  // namespace

openai::Parsed<SamplingParams> resolve_sampling(const SamplingFields& fields,
                                                std::optional<std::int64_t> logprobs,
                                                const ServerConfig& config,
                                                std::int64_t num_prompt_tokens,
                                                const EncodeText& encode) {
  SamplingParams out;
  if (Check bad = resolve_distribution(fields, config.defaults, out)) return *bad;
  out.max_tokens = resolve_max_tokens(fields, config, num_prompt_tokens);
  // What the context leaves may be less than min_tokens; the length limit ends the answer then.
  out.min_tokens = static_cast<std::uint32_t>(
      std::min<std::int64_t>(fields.min_tokens, static_cast<std::int64_t>(out.max_tokens)));
  out.ignore_eos = fields.ignore_eos;
  resolve_stop_ids(fields, config, out);
  if (Check bad = resolve_bias(fields, config, out)) return *bad;
  if (config.refuses_min_p_and_logit_bias &&
      (out.min_p > kGreedyBelow || !out.logit_bias.empty())) {
    return value_error(
        "The min_p and logit_bias sampling parameters are not yet supported with speculative "
        "decoding.",
        out.logit_bias.empty() ? "min_p" : "logit_bias");
  }
  if (Check bad = resolve_bad_words(fields, encode, out)) return *bad;
  out.logprobs = engine_count(logprobs);
  out.prompt_logprobs = engine_count(fields.prompt_logprobs);
  return out;
}

SamplingParams params_of_choice(const SamplingParams& params, std::int64_t choice) {
  SamplingParams out = params;
  // Wraps around at the end of the range, which is as good a seed as any.
  if (out.seed) {
    out.seed = static_cast<std::int64_t>(static_cast<std::uint64_t>(*out.seed) +
                                         static_cast<std::uint64_t>(choice));
  }
  return out;
}

}  // namespace nacelle::serve
