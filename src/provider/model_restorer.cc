#include "provider/model_restorer.h"

#include <algorithm>

#include <fmt/format.h>

namespace nacelle::provider {

ModelRestorer::ModelRestorer(std::string_view target, std::string_view incoming) {
  if (target == incoming || target.empty() || incoming.empty()) return;
  for (const std::string_view gap : {"", " "}) {
    patterns_.push_back(fmt::format("\"model\":{}\"{}\"", gap, target));
    replacements_.push_back(fmt::format("\"model\":{}\"{}\"", gap, incoming));
  }
}

std::string ModelRestorer::feed(std::string_view chunk, bool last) {
  if (idle()) return std::string(chunk);
  held_ += chunk;
  std::string out;
  out.reserve(held_.size());
  std::size_t at = 0;
  while (at < held_.size()) {
    const std::size_t quote = held_.find('"', at);
    out.append(held_, at, quote == std::string::npos ? std::string::npos : quote - at);
    if (quote == std::string::npos) {
      at = held_.size();
      break;
    }
    at = quote;
    const std::string_view rest = std::string_view(held_).substr(at);
    bool undecided = false;
    std::size_t matched = patterns_.size();
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (rest.starts_with(patterns_[i])) matched = i;
      if (rest.size() < patterns_[i].size() && patterns_[i].starts_with(rest)) undecided = true;
    }
    if (matched < patterns_.size()) {
      out += replacements_[matched];
      at += patterns_[matched].size();
    } else if (undecided && !last) {
      break;
    } else {
      out += '"';
      ++at;
    }
  }
  held_.erase(0, at);
  return out;
}

}  // namespace nacelle::provider
