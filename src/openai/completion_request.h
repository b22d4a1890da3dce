// completion_request.h: the body of POST /v1/completions.
//
// Source:  engine.md sections 7 and 13.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "openai/error.h"
#include "openai/request_fields.h"
#include "openai/sampling_fields.h"

namespace nacelle::openai {

// Text, or token ids as the client wrote them (not yet checked against a vocabulary).
using Prompt = std::variant<std::string, std::vector<std::int64_t>>;

struct CompletionRequest {
  RequestFields common;
  SamplingFields sampling;
  std::vector<Prompt> prompts;  // at least one; a single text or id list is a list of one
  std::optional<std::int64_t> logprobs;
  bool add_special_tokens = true;

  bool echo_only =
      false;  // echo with max_tokens 0: the engine produces one token that is not shown
};

// Reads and validates everything that needs no knowledge of the model.
[[nodiscard]] Parsed<CompletionRequest> parse_completion_request(std::string_view body,
                                                                 const SamplingLimits& limits);

}  // namespace nacelle::openai
