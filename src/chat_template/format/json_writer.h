// json_writer.h: values as JSON, byte for byte as Python's json.dumps writes them.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

struct JsonStyle {
  bool ensure_ascii = false;          // write other characters as \uXXXX
  std::optional<std::string> indent;  // of one level; nothing: all on one line
  std::string item_separator = ", ";  // "," when there is an indent
  std::string key_separator = ": ";
  bool sort_keys = false;
};

// invalid_argument for values JSON cannot hold (undefined, functions, views).
Result<std::string> to_json(Runtime& runtime, const Value& value, const JsonStyle& style);

}  // namespace nacelle::chat_template
