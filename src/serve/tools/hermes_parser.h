// hermes_parser.h: takes tool calls out of the text of models that write
// `<tool_call>{"name": ..., "arguments": {...}}</tool_call>` (Qwen 2.5 and 3, Hermes).
//
// Content is the text before the first tag. The end tag may be missing. A call's name goes out as
// soon as it is known, its arguments as fragments whose concatenation is the final text; a suffix
// that may be the beginning of a tag is held back.
//
// A call that is not well-formed is text: as long as its name has not gone out, its characters do.
//
// Home:    one coroutine.
// Source:  engine.md section 18.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "openai/chat_chunk.h"
#include "openai/tools.h"
#include "serve/tools/json_reflow.h"

namespace nacelle::serve {

// What a piece of text turned out to be.
struct ToolText {
  std::string content;
  std::vector<openai::ToolCallDelta> calls;

  // Joins a fragment to the call before it when it continues that one.
  void add(openai::ToolCallDelta delta);
  void append(ToolText more);
};

class HermesParser {
 public:
  using MakeId = std::function<std::string()>;
  explicit HermesParser(MakeId make_id) : make_id_(std::move(make_id)) {}

  [[nodiscard]] ToolText feed(std::string_view text);
  // The end of the text: what was held back.
  [[nodiscard]] ToolText finish();

  [[nodiscard]] std::int64_t num_calls() const { return num_calls_; }
  // True once a call was malformed or cut off.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  enum class State {
    kContent,  // before the first tag
    kOpen,     // inside a call, before its brace
    kKey,      // before a key or the closing brace
    kKeyText,  // in a key
    kColon,
    kValue,
    kComma,    // after a value
    kBetween,  // after a call: all but the next tag is dropped
  };

  void take(char c, ToolText& out);
  void take_outside(char c, ToolText& out);
  void take_structure(char c, ToolText& out);
  void take_key(char c, ToolText& out);
  void take_value(char c, ToolText& out);
  void begin_call();
  void end_value(ToolText& out);
  void end_call(ToolText& out);
  void give_up(ToolText& out);
  void send_arguments(ToolText& out);

  MakeId make_id_;
  State state_ = State::kContent;
  std::string held_;  // outside calls: what may be the beginning of a tag
  std::string raw_;   // of the call, until its name went out
  std::string key_, value_;
  JsonReflow reflow_;
  bool has_name_ = false, has_arguments_ = false;
  std::string arguments_;  // not sent yet
  std::int64_t num_calls_ = 0;
  bool broken_ = false;
  bool content_open_ = true;  // false once a call was found
};

struct ParsedTools {
  std::string content;
  std::vector<openai::ToolCall> calls;  // none when any call is malformed: all is content then
};

// The same for a whole text.
[[nodiscard]] ParsedTools parse_hermes(std::string_view text, const HermesParser::MakeId& make_id);

}  // namespace nacelle::serve
