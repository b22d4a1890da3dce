#include "kube/warning.h"

#include <algorithm>
#include <optional>

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxWarnings = 16;
constexpr std::size_t kMaxBytes = 4096;

// The text of `299 <agent> "text"`, unescaped.
std::optional<std::string> text_of_warning(std::string_view value) {
  if (!value.starts_with("299 ")) return std::nullopt;
  std::size_t at = value.find('"');
  if (at == std::string_view::npos) return std::nullopt;
  std::string out;
  for (++at; at < value.size() && out.size() < kMaxBytes; ++at) {
    if (value[at] == '"') return out;
    if (value[at] == '\\' && at + 1 < value.size()) ++at;
    out += value[at];
  }
  if (at < value.size()) return out;  // cut at the bound
  return std::nullopt;
}

}  // namespace

std::vector<std::string> warnings_of(const net::http::Headers& headers) {
  std::vector<std::string> out;
  for (const auto& field : headers) {
    if (out.size() == kMaxWarnings) break;
    if (!net::http::equals_ignore_case(field.name, "warning")) continue;
    auto text = text_of_warning(field.value);
    if (text && std::find(out.begin(), out.end(), *text) == out.end()) {
      out.push_back(std::move(*text));
    }
  }
  return out;
}

}  // namespace nacelle::kube
