// completion_answer.h: the answer of POST /v1/completions.
//
// Home:    the connection's loop.
// Source:  engine.md sections 7 and 9.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "openai/completion_request.h"
#include "openai/completion_response.h"
#include "serve/answers/answer.h"

namespace nacelle::serve {

class CompletionAnswer final : public Answer {
 public:
  // All must outlive the answer.
  CompletionAnswer(const ServerState& state, const GenerationPlan& plan,
                   const openai::CompletionRequest& request, openai::AnswerHead head);

  [[nodiscard]] std::string body() override;

 private:
  void append_choice(std::string& out, std::size_t choice, OutputDelta delta) override;
  void append_usage_chunk(std::string& out, const openai::Usage& usage) override;

  // What the delta adds; the first of a choice has the echoed prompt in front.
  [[nodiscard]] openai::CompletionChoice make_choice(std::size_t choice, OutputDelta delta);
  void add_prompt_logprobs(std::size_t choice);

  const openai::CompletionRequest& request_;
  openai::CompletionChunkWriter writer_;
  std::vector<CompletionLogprobBuilder> logprobs_;  // per choice, when asked for
  std::vector<bool> begun_;
};

}  // namespace nacelle::serve
