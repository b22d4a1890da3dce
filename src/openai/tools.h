// tools.h: functions that a chat request offers, and calls that a model makes.
//
// Source:  engine.md sections 8, 9 and 18.
#pragma once

#include <string>

namespace nacelle::openai {

enum class ToolChoice { kNone, kAuto };

struct ToolCall {
  std::string id;  // chatcmpl-tool-<32 hex>
  std::string name;
  std::string arguments;  // JSON text
};

}  // namespace nacelle::openai
