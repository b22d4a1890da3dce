#include "control/core/pod/path_translation.h"

#include <algorithm>

namespace nacelle::control::pod {
namespace {

bool separates(char c) {
  return std::string_view("=:,;\"'()<>|&` \t\n").find(c) != std::string_view::npos;
}

}  // namespace

PathTranslation::PathTranslation(std::vector<PathMapping> mappings)
    : mappings_(std::move(mappings)) {
  std::stable_sort(mappings_.begin(), mappings_.end(),
                   [](const auto& a, const auto& b) { return a.from.size() > b.from.size(); });
}

std::string PathTranslation::apply(std::string_view text) const {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = text[at] == '/' && (at == 0 || separates(text[at - 1]));
    const PathMapping* match = nullptr;
    if (begins) {
      for (const PathMapping& mapping : mappings_) {
        if (text.compare(at, mapping.from.size(), mapping.from) != 0) continue;
        const std::size_t end = at + mapping.from.size();
        if (end < text.size() && text[end] != '/' && !separates(text[end])) continue;
        match = &mapping;
        break;
      }
    }
    if (match == nullptr) {
      out += text[at++];
      continue;
    }
    out += match->to;
    at += match->from.size();
  }
  return out;
}

}  // namespace nacelle::control::pod
