#include "serve/answers/answer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "tokenizer/incremental_decoder.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::serve {
namespace {

using engine::FinishReason;

UsagePolicy usage_policy(const ServerConfig& config, const openai::RequestFields& request) {
  if (config.enable_force_include_usage) return {.at_end = true, .in_every_chunk = true};
  if (!request.stream_options || !request.stream_options->include_usage) return {};
  return {.at_end = true, .in_every_chunk = request.stream_options->continuous_usage_stats};
}

DecodeToken decoder_for(const ServerState& state, const PlannedPrompt& prompt,
                        const openai::SamplingFields& sampling) {
  auto decoder = std::make_shared<tokenizer::IncrementalDecoder>(
      state.parts.tokenizer, prompt.tokens,
      tokenizer::DecodeOptions{.skip_special_tokens = sampling.skip_special_tokens});
  return [decoder = std::move(decoder)](TokenId token) { return decoder->append(token); };
}

// The line ": t 17,4" or, with the last tokens, ": t 9 end": docs/formats/stream-resume.md.
std::string token_comment(const OutputDelta& delta) {
  std::string line = fmt::format(": t {}", fmt::join(delta.tokens, ","));
  if (delta.finished()) line += " end";
  return line + "\n\n";
}

}  // namespace

std::string finish_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kNone:
      return "";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAbort:
      return "abort";
    case FinishReason::kError:
      return "error";
  }
  return "error";
}

Answer::Answer(const ServerState& state, const GenerationPlan& plan,
               const openai::RequestFields& request, const openai::SamplingFields& sampling,
               openai::AnswerHead head)
    : state_(state),
      plan_(plan),
      head_(std::move(head)),
      usage_(usage_policy(state.config, request)),
      return_token_ids_(request.return_token_ids),
      as_token_ids_(
          request.return_tokens_as_token_ids.value_or(state.config.return_tokens_as_token_ids)),
      has_news_(plan.num_choices(), false),
      num_unfinished_(plan.num_choices()) {
  readers_.reserve(plan.num_choices());
  for (std::size_t choice = 0; choice < plan.num_choices(); ++choice) {
    const PlannedPrompt& prompt = plan.prompt_of(choice);
    readers_.emplace_back(StopPolicy{.stop_strings = sampling.stop,
                                     .include_stop_str = sampling.include_stop_str_in_output,
                                     .min_tokens = prompt.params.min_tokens},
                          decoder_for(state, prompt, sampling));
  }
}

bool Answer::add(ChoiceOutput item) {
  SequenceReader& reader = readers_[item.choice];
  if (reader.finished()) return false;
  const Status error = item.output.error;
  reader.add(std::move(item.output));
  if (!has_news_[item.choice]) {
    has_news_[item.choice] = true;
    news_.push_back(item.choice);
  }
  if (!reader.finished()) return false;
  --num_unfinished_;
  if (reader.finish() == FinishReason::kError && !failure_) {
    failure_ =
        openai::from_status(internal("{}", error.ok() ? "Internal server error" : error.message()));
  }
  return reader.stopped_by_text();
}

bool Answer::replay(const std::vector<TokenId>& tokens) {
  if (tokens.empty()) return true;
  engine::SequenceOutput seen;
  for (const TokenId token : tokens) seen.tokens.push_back(token);
  if (add({.choice = 0, .output = std::move(seen)}) || finished()) return false;
  std::string said;
  append_news(said);
  return true;
}

void Answer::append_news(std::string& out) {
  std::sort(news_.begin(), news_.end());
  for (const std::size_t choice : news_) {
    has_news_[choice] = false;
    OutputDelta delta = readers_[choice].take();
    std::string tokens;
    if (shows_tokens_) tokens = token_comment(delta);
    append_choice(out, choice, std::move(delta));
    out += tokens;
  }
  news_.clear();
}

void Answer::append_end(std::string& out) {
  if (usage_.at_end) append_usage_chunk(out, total_usage());
}

std::int64_t Answer::num_output_tokens() const {
  std::int64_t count = 0;
  for (const SequenceReader& reader : readers_) count += reader.num_tokens();
  return count;
}

openai::Usage Answer::total_usage() const {
  openai::Usage usage{.prompt_tokens = plan_.num_prompt_tokens(),
                      .completion_tokens = num_output_tokens(),
                      .cached_tokens = std::nullopt};
  if (!state_.config.enable_prompt_tokens_details) return usage;
  // Of each prompt the first choice: its siblings find what it computed.
  std::int64_t cached = 0;
  const auto step = static_cast<std::size_t>(plan_.choices_per_prompt);
  for (std::size_t choice = 0; choice < readers_.size(); choice += step) {
    cached += readers_[choice].num_cached_tokens();
  }
  if (cached > 0) usage.cached_tokens = cached;
  return usage;
}

openai::Usage Answer::running_usage(std::size_t choice) const {
  return {.prompt_tokens = static_cast<std::int64_t>(plan_.prompt_of(choice).tokens.size()),
          .completion_tokens = readers_[choice].num_tokens(),
          .cached_tokens = std::nullopt};
}

TokenNamer Answer::token_namer() const {
  const auto tokenizer = state_.parts.tokenizer;
  const auto bytes = [tokenizer](TokenId token) {
    return tokenizer->token_text(token, tokenizer::TokenPlace::kInside);
  };
  return {.text = [bytes](TokenId token) { return sanitize_utf8(bytes(token)); },
          .bytes = bytes,
          .as_token_ids = as_token_ids_};
}

}  // namespace nacelle::serve
