// answer.h: writes chat completions and their streams from what a foreign backend said.
//
// Home:    one connection's loop.
// Source:  engine.md sections 8 and 9; gateway.md sections 8.3 and 8.5 for reasoning_content and
//          thinking_blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "provider/json/json.h"
#include "provider/translator.h"

namespace nacelle::provider::chat {

using json::Json;

[[nodiscard]] Json usage_object(const TokenUsage& usage);

// One choice of a whole answer.
struct Choice {
  std::string text;
  std::string reasoning;
  Json thinking_blocks = Json::array();  // {type, thinking, signature} or {type, data}
  Json tool_calls = Json::array();
  std::string finish_reason = "stop";

  void add_tool_call(std::string id, std::string name, std::string arguments);
};

struct Head {
  std::string id;
  std::string model;
  std::int64_t created = 0;
};

[[nodiscard]] Json completion(const Head& head, const std::vector<Choice>& choices,
                              const TokenUsage& usage);

// The events of one stream.
class ChunkWriter {
 public:
  explicit ChunkWriter(Head head) : head_(std::move(head)) {}

  void set_id(std::string id) { head_.id = std::move(id); }
  void set_model(std::string model) { head_.model = std::move(model); }

  // `delta` is the object of that name; the first one of a choice gets role assistant in front.
  void delta(std::string& out, Json delta, std::size_t choice = 0);
  void text(std::string& out, std::string_view text, std::size_t choice = 0);
  void reasoning(std::string& out, std::string_view text, std::size_t choice = 0);
  void tool_call(std::string& out, std::size_t index, std::string_view id, std::string_view name,
                 std::string_view arguments, std::size_t choice = 0);
  void tool_arguments(std::string& out, std::size_t index, std::string_view arguments);
  void keep_alive(std::string& out);  // an empty delta
  void finish(std::string& out, std::string_view reason, std::size_t choice = 0);
  // A chunk without choices, then [DONE].
  void usage_and_done(std::string& out, const TokenUsage& usage);

 private:
  void chunk(std::string& out, Json choices, const TokenUsage* usage);
  void choice_chunk(std::string& out, Json delta, Json finish_reason, std::size_t choice);

  Head head_;
  std::vector<bool> has_role_;  // by choice
};

}  // namespace nacelle::provider::chat
