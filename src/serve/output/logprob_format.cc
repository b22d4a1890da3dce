#include "serve/output/logprob_format.h"

#include <unordered_map>
#include <utility>

#include "base/utf8.h"

namespace nacelle::serve {
namespace {

using engine::PositionLogprobs;
using engine::TokenLogprob;

// The entries without the repetition of the sampled token.
std::vector<TokenLogprob> distinct(const PositionLogprobs& position) {
  std::vector<TokenLogprob> out;
  out.reserve(position.tokens.size());
  for (std::size_t i = 0; i < position.tokens.size(); ++i) {
    if (i > 0 && position.tokens[i].token == position.tokens[0].token) continue;
    out.push_back(position.tokens[i]);
  }
  return out;
}

}  // namespace

std::string TokenNamer::name(TokenId token) const {
  return as_token_ids ? fmt::format("token_id:{}", token) : text(token);
}

std::string TokenNamer::raw(TokenId token) const {
  return as_token_ids ? name(token) : bytes(token);
}

openai::ChatTokenLogprob chat_logprob(const PositionLogprobs& position, std::int64_t top,
                                      const TokenNamer& namer) {
  const auto entry = [&](const TokenLogprob& of) {
    return openai::ChatLogprob{namer.name(of.token), of.logprob, namer.raw(of.token)};
  };
  openai::ChatTokenLogprob out;
  const auto entries = distinct(position);
  if (entries.empty()) return out;
  out.sampled = entry(entries[0]);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (top >= 0 && static_cast<std::int64_t>(i) >= top) break;
    out.top.push_back(entry(entries[i]));
  }
  return out;
}

CompletionLogprobBuilder::CompletionLogprobBuilder(TokenNamer namer, std::int64_t top)
    : namer_(std::move(namer)), top_(top) {}

void CompletionLogprobBuilder::add_token(TokenId token) {
  std::string name = namer_.name(token);
  out_.text_offset.push_back(offset_);
  offset_ += static_cast<std::int64_t>(utf8_length(name));
  out_.tokens.push_back(std::move(name));
}

void CompletionLogprobBuilder::add_unpredicted(TokenId token) {
  add_token(token);
  out_.token_logprobs.emplace_back();
  out_.top_logprobs.emplace_back();
}

void CompletionLogprobBuilder::add(const PositionLogprobs& position) {
  const auto entries = distinct(position);
  if (entries.empty()) return;
  add_token(entries[0].token);
  out_.token_logprobs.emplace_back(entries[0].logprob);

  // Different tokens may have equal names (parts of characters): the place of the first, the value
  // of the last, as in a dictionary. The sampled token and the `top` most likely ones are shown.
  openai::CompletionLogprobs::Alternatives alternatives;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (top_ >= 0 && static_cast<std::int64_t>(i) > top_) break;
    std::string name = namer_.name(entries[i].token);
    const auto [place, is_new] = places.try_emplace(name, alternatives.size());
    if (is_new) {
      alternatives.emplace_back(std::move(name), entries[i].logprob);
    } else {
      alternatives[place->second].second = entries[i].logprob;
    }
  }
  out_.top_logprobs.emplace_back(std::move(alternatives));
}

openai::CompletionLogprobs CompletionLogprobBuilder::take() { return std::exchange(out_, {}); }

openai::PromptLogprobs prompt_logprobs(const std::vector<PositionLogprobs>& positions,
                                       const TokenNamer& namer) {
  openai::PromptLogprobs out;
  out.reserve(positions.size());
  for (const PositionLogprobs& position : positions) {
    auto& entries = out.emplace_back();
    for (const TokenLogprob& entry : distinct(position)) {
      entries.push_back({.token = entry.token,
                         .logprob = entry.logprob,
                         .rank = entry.rank,
                         .decoded_token = namer.name(entry.token)});
    }
  }
  return out;
}

}  // namespace nacelle::serve
