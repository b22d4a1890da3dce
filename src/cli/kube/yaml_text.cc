#include "cli/kube/yaml_text.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace nacelle::cli {
namespace {

using kube::Json;

// Words that some reader of YAML 1.1 takes for something else than text.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kWords = {
      "true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", "<<", "="};
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

// Whether a reader may see a number or a time: anything that begins like one is quoted.
bool is_like_a_number(std::string_view text) {
  const char first = text[0];
  const bool digit = first >= '0' && first <= '9';
  const bool sign = first == '-' || first == '+' || first == '.';
  if (!digit && !sign) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("+-.:_xXoOTZtz infaINFAN").find(c) != std::string_view::npos;
  });
}

bool is_plain(std::string_view text) {
  if (text.empty() || is_reserved(text) || is_like_a_number(text)) return false;
  if (std::string_view("!&*-?|>@`\"'%#{}[],: \t").find(text[0]) != text.npos) {
    // "-x" and "?x" and ":x" would do, but quoting them is never wrong.
    return false;
  }
  if (text.back() == ' ' || text.back() == ':' || text.back() == '\t') return false;
  if (text.find(": ") != text.npos || text.find(" #") != text.npos) return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::string quoted(const std::string& text) {
  const bool simple = std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '\'';
  });
  if (simple && !text.empty()) return "'" + text + "'";
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);  // JSON is YAML
}

// Text of several lines that a block can hold: its indentation must be told by its first line.
bool fits_block(std::string_view text) {
  if (text.find('\n') == text.npos || text[0] == ' ' || text[0] == '\n') return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  });
}

class Writer {
 public:
  void value(const Json& value, std::size_t indent) {
    if (value.is_object() && !value.empty()) {
      map(value, indent, false);
    } else if (value.is_array() && !value.empty()) {
      list(value, indent, false);
    } else {
      scalar(value, indent);
      out_ += '\n';
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void pad(std::size_t indent) { out_.append(indent, ' '); }

  void map(const Json& value, std::size_t indent, bool begun) {
    for (const auto& [key, member] : value.items()) {
      if (!begun) pad(indent);
      begun = false;
      out_ += is_plain(key) ? key : quoted(key);
      out_ += ':';
      if (member.is_object() && !member.empty()) {
        out_ += '\n';
        map(member, indent + 2, false);
      } else if (member.is_array() && !member.empty()) {
        out_ += '\n';
        list(member, indent, false);
      } else {
        out_ += ' ';
        scalar(member, indent + 2);
        out_ += '\n';
      }
    }
  }

  void list(const Json& value, std::size_t indent, bool begun) {
    for (const Json& item : value) {
      if (!begun) pad(indent);
      begun = false;
      out_ += "- ";
      if (item.is_object() && !item.empty()) {
        map(item, indent + 2, true);
      } else if (item.is_array() && !item.empty()) {
        list(item, indent + 2, true);
      } else {
        scalar(item, indent + 2);
        out_ += '\n';
      }
    }
  }

  void scalar(const Json& value, std::size_t indent) {
    if (!value.is_string()) {
      out_ += value.dump();
      return;
    }
    const auto& text = value.get_ref<const std::string&>();
    if (is_plain(text))
      out_ += text;
    else if (fits_block(text))
      block(text, indent);
    else
      out_ += quoted(text);
  }

  void block(std::string_view text, std::size_t indent) {
    const std::size_t content = text.find_last_not_of('\n') + 1;
    const std::size_t ends = text.size() - content;
    out_ += ends == 0 ? "|-" : ends == 1 ? "|" : "|+";
    if (ends > 0) text.remove_suffix(1);
    while (true) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      out_ += '\n';
      if (end > 0) pad(indent);
      out_ += text.substr(0, end);
      if (end == text.size()) return;
      text.remove_prefix(end + 1);
    }
  }

  std::string out_;
};

}  // namespace

std::string yaml_text(const Json& value) {
  Writer writer;
  writer.value(value, 0);
  return writer.take();
}

}  // namespace nacelle::cli
