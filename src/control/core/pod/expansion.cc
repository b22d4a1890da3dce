#include "control/core/pod/expansion.h"

namespace nacelle::control::pod {

std::string escaped(std::string_view literal) {
  std::string out;
  for (const char c : literal) out += c == '$' ? std::string("$$") : std::string(1, c);
  return out;
}

std::string expand(std::string_view text, const StringMap& variables) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const std::size_t close = text.starts_with('(') ? text.find(')') : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += '$';
      continue;
    }
    const auto found = variables.find(std::string(text.substr(1, close - 1)));
    if (found == variables.end() || out.size() + found->second.size() > kMaxExpanded) {
      out += '$';
      continue;
    }
    out += found->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace nacelle::control::pod
