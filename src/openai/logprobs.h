// logprobs.h: log probabilities in the three shapes that answers carry them.
//
// Source:  engine.md sections 7, 8 and 16.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/token.h"
#include "openai/json_writer.h"

namespace nacelle::openai {

struct ChatLogprob {
  std::string token;
  float logprob = 0;
  std::string bytes;  // of the token's text
};

struct ChatTokenLogprob {
  ChatLogprob sampled;
  std::vector<ChatLogprob> top;
};

// {"content":[...]}
using ChatLogprobs = std::vector<ChatTokenLogprob>;

// Four parallel lists, one entry per token. The first prompt token has no logprob and no
// alternatives.
struct CompletionLogprobs {
  using Alternatives = std::vector<std::pair<std::string, float>>;  // distinct tokens
  std::vector<std::int64_t> text_offset;                            // characters
  std::vector<std::optional<float>> token_logprobs;
  std::vector<std::string> tokens;
  std::vector<std::optional<Alternatives>> top_logprobs;
};

struct RankedLogprob {
  TokenId token = 0;
  float logprob = 0;
  std::uint32_t rank = 0;
  std::string decoded_token;
};

// One entry per prompt token; entry 0 is empty and written as null.
using PromptLogprobs = std::vector<std::vector<RankedLogprob>>;

void write_logprobs(JsonWriter& json, const ChatLogprobs& logprobs);
void write_logprobs(JsonWriter& json, const CompletionLogprobs& logprobs);
void write_logprobs(JsonWriter& json, const PromptLogprobs& logprobs);

}  // namespace nacelle::openai
