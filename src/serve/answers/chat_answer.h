// chat_answer.h: the answer of POST /v1/chat/completions.
//
// With tools offered and a parser configured, the text of a choice goes through the parser, which
// takes tool calls out of it.
//
// Home:    the connection's loop.
// Source:  engine.md sections 8, 9 and 18.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "openai/chat_chunk.h"
#include "openai/chat_request.h"
#include "openai/chat_response.h"
#include "serve/answers/answer.h"
#include "serve/tools/hermes_parser.h"

namespace nacelle::serve {

class ChatAnswer final : public Answer {
 public:
  // All must outlive the answer.
  ChatAnswer(const ServerState& state, const GenerationPlan& plan,
             const openai::ChatRequest& request, openai::AnswerHead head);

  [[nodiscard]] std::string body() override;

 private:
  void append_choice(std::string& out, std::size_t choice, OutputDelta delta) override;
  void append_usage_chunk(std::string& out, const openai::Usage& usage) override;

  void append_roles(std::string& out);
  [[nodiscard]] openai::ChatChoice make_choice(std::size_t choice);
  [[nodiscard]] std::optional<openai::ChatLogprobs> chat_logprobs(const OutputDelta& delta) const;
  [[nodiscard]] bool parses_tools() const { return !parsers_.empty(); }
  // Whether a delta of parsed text goes out although it says nothing.
  [[nodiscard]] bool is_silent(const openai::ChatDelta& delta) const;

  const openai::ChatRequest& request_;
  const std::string role_;
  std::string echoed_;  // the final message that the answer continues, when echo is asked for
  openai::ChatChunkWriter writer_;
  std::vector<HermesParser> parsers_;  // per choice, when tools are offered
  bool roles_sent_ = false;
};

}  // namespace nacelle::serve
