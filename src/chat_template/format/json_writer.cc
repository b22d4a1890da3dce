#include "chat_template/format/json_writer.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/print.h"
#include "chat_template/value/sort.h"

namespace nacelle::chat_template {
namespace {

std::string json_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return float_repr(value);
}

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style) : runtime_(runtime), style_(style) {}

  Status write(const Value& value, int depth) {
    if (depth > kMaxValueDepth) {
      return out_of_range("a value is nested deeper than {} levels", kMaxValueDepth);
    }
    RETURN_IF_ERROR(runtime_.spend(1));
    RETURN_IF_ERROR(runtime_.reserve(out_.size()));
    switch (value.kind()) {
      case Kind::kNone:
        out_ += "null";
        return {};
      case Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        return {};
      case Kind::kInt:
        out_ += fmt::format("{}", value.as_int());
        return {};
      case Kind::kFloat:
        out_ += json_float(value.as_double());
        return {};
      case Kind::kString:
        return write_text(value.text());
      case Kind::kList:
      case Kind::kTuple:
        return write_list(value.list().items, depth);
      case Kind::kDict:
        return write_dict(value.dict(), depth);
      default:
        if (value.is_undefined()) return undefined_error(value);
        return invalid_argument("a value of type '{}' cannot be written as JSON", kind_name(value));
    }
  }

  std::string take() { return std::move(out_); }

 private:
  Status new_line(int depth) {
    if (!style_.indent) return {};
    RETURN_IF_ERROR(runtime_.reserve(static_cast<std::size_t>(depth), style_.indent->size()));
    RETURN_IF_ERROR(runtime_.spend(static_cast<std::size_t>(depth) * style_.indent->size() / 64));
    out_ += '\n';
    for (int i = 0; i < depth; ++i) out_ += *style_.indent;
    return {};
  }

  Status write_list(const std::vector<Value>& items, int depth) {
    if (items.empty()) {
      out_ += "[]";
      return {};
    }
    out_ += '[';
    bool first = true;
    for (const Value& item : items) {
      if (!first) out_ += style_.item_separator;
      first = false;
      RETURN_IF_ERROR(new_line(depth + 1));
      RETURN_IF_ERROR(write(item, depth + 1));
    }
    RETURN_IF_ERROR(new_line(depth));
    out_ += ']';
    return {};
  }

  Status write_dict(const DictObject& dict, int depth) {
    if (dict.size() == 0) {
      out_ += "{}";
      return {};
    }
    std::vector<const DictObject::Entry*> entries;
    for (const auto& entry : dict.entries()) entries.push_back(&entry);
    if (style_.sort_keys) RETURN_IF_ERROR(sort_entries(runtime_, entries));
    out_ += '{';
    bool first = true;
    for (const auto* entry : entries) {
      if (!first) out_ += style_.item_separator;
      first = false;
      RETURN_IF_ERROR(new_line(depth + 1));
      RETURN_IF_ERROR(write_key(entry->key));
      out_ += style_.key_separator;
      RETURN_IF_ERROR(write(entry->value, depth + 1));
    }
    RETURN_IF_ERROR(new_line(depth));
    out_ += '}';
    return {};
  }

  Status write_key(const Value& key) {
    switch (key.kind()) {
      case Kind::kString:
        return write_text(key.text());
      case Kind::kNone:
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kFloat:
        out_ += '"';
        RETURN_IF_ERROR(write(key, 0));
        out_ += '"';
        return {};
      default:
        return invalid_argument("a JSON key cannot be a value of type '{}'", kind_name(key));
    }
  }

  Status write_text(const std::string& text) {
    RETURN_IF_ERROR(runtime_.spend(text.size() / 16));
    out_ += '"';
    for (std::size_t pos = 0; pos < text.size();) {
      const auto byte = static_cast<unsigned char>(text[pos]);
      if (byte >= 0x20 && byte < 0x7F) {
        if (byte == '"' || byte == '\\') out_ += '\\';
        out_ += text[pos++];
      } else if (byte < 0x20) {
        write_control(byte);
        ++pos;
      } else if (!style_.ensure_ascii) {
        out_ += text[pos++];
      } else {
        const Utf8Char c = decode_utf8(text, pos);
        write_escape(c.code_point);
        pos += c.length;
      }
    }
    out_ += '"';
    return {};
  }

  void write_control(unsigned char byte) {
    switch (byte) {
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      case '\t':
        out_ += "\\t";
        break;
      case '\f':
        out_ += "\\f";
        break;
      case '\b':
        out_ += "\\b";
        break;
      default:
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    }
  }

  void write_escape(char32_t c) {
    auto point = static_cast<unsigned>(c);
    if (point > 0xFFFF) {
      point -= 0x10000;
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (point >> 10), 0xDC00 + (point & 0x3FF));
    } else {
      out_ += fmt::format("\\u{:04x}", point);
    }
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

Result<std::string> to_json(Runtime& runtime, const Value& value, const JsonStyle& style) {
  JsonWriter writer(runtime, style);
  RETURN_IF_ERROR(writer.write(value, 0));
  return writer.take();
}

}  // namespace nacelle::chat_template
