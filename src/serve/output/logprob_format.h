// logprob_format.h: the engine's log probabilities in the shapes of the wire.
//
// The engine lists the sampled token first, then the most likely ones by value; the sampled one may
// come again among them and is then shown once.
//
// Home:    pure.
// Source:  engine.md sections 7, 8 and 16.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/output.h"
#include "openai/logprobs.h"

namespace nacelle::serve {

// How tokens are named in logprobs: their text alone, or "token_id:<id>".
struct TokenNamer {
  std::function<std::string(TokenId)> text;  // valid UTF-8
  std::function<std::string(TokenId)>
      bytes;  // what the token stands for, maybe part of a character
  bool as_token_ids = false;

  [[nodiscard]] std::string name(TokenId token) const;
  [[nodiscard]] std::string raw(TokenId token) const;
};

// Of the alternatives the first `top` are shown, the sampled token being the first; -1 = all.
[[nodiscard]] openai::ChatTokenLogprob chat_logprob(const engine::PositionLogprobs& position,
                                                    std::int64_t top, const TokenNamer& namer);

// Appends positions of a completion; offsets start where the last token ended.
class CompletionLogprobBuilder {
 public:
  // `top` as asked for; -1 = all.
  CompletionLogprobBuilder(TokenNamer namer, std::int64_t top);

  void add(const engine::PositionLogprobs& position);
  // A token without a prediction: the first of an echoed prompt.
  void add_unpredicted(TokenId token);
  // What was added since the last take.
  [[nodiscard]] openai::CompletionLogprobs take();

 private:
  void add_token(TokenId token);

  TokenNamer namer_;
  std::int64_t top_;
  std::int64_t offset_ = 0;  // characters
  openai::CompletionLogprobs out_;
};

[[nodiscard]] openai::PromptLogprobs prompt_logprobs(
    const std::vector<engine::PositionLogprobs>& positions, const TokenNamer& namer);

}  // namespace nacelle::serve
