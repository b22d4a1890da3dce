#include "gateway/resume/stream_journal.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nacelle::gateway {
namespace {

constexpr std::string_view kBlockEnd = "\n\n";
constexpr std::string_view kTokens = ": t ";
constexpr std::string_view kEnd = " end";
constexpr std::string_view kDone = "data: [DONE]";

std::string_view trimmed_right(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

}  // namespace

std::optional<StreamJournal> StreamJournal::begin(std::string_view name) {
  name = trimmed_right(name);
  if (!name.starts_with('{') || !name.ends_with('}') || name.size() < 3) return std::nullopt;
  name.remove_suffix(1);
  return StreamJournal(name);
}

std::string StreamJournal::feed(std::string_view bytes) {
  if (given_up_) return std::string(bytes);
  partial_ += bytes;
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = partial_.find(kBlockEnd, at);
    if (end == std::string::npos) break;
    take_block(std::string_view(partial_).substr(at, end - at), out);
    at = end + kBlockEnd.size();
  }
  partial_.erase(0, at);
  if (held_.size() + partial_.size() > kMaxHeldBytes || tokens_.size() > kMaxTokens) {
    given_up_ = true;
    out += take_rest();
  }
  return out;
}

void StreamJournal::take_block(std::string_view block, std::string& out) {
  if (!block.starts_with(kTokens)) {
    held_ += block;
    held_ += kBlockEnd;
    // What follows the end has no tokens; an engine that fails says so and is done.
    if (!ended_ && block != kDone) return;
    if (repeats_) return;
    if (ended_ && skipped_ < behind_end_) {  // the usage event, which the client has seen
      ++skipped_;
      held_.clear();
      return;
    }
    if (ended_) {
      ++behind_end_;
      ++skipped_;
    }
    done_ = done_ || block == kDone;
    out += held_;
    held_.clear();
    return;
  }
  block.remove_prefix(kTokens.size());
  const bool ends = block.ends_with(kEnd);
  if (!repeats_) {
    const char* at = block.data();
    const char* const stop = block.data() + block.size();
    while (at < stop) {
      std::int32_t token = 0;
      const auto parsed = std::from_chars(at, stop, token);
      if (parsed.ec != std::errc()) break;
      tokens_.push_back(token);
      at = parsed.ptr + 1;
    }
    out += held_;
  }
  held_.clear();
  repeats_ = false;
  ended_ = ended_ || ends;
}

std::string StreamJournal::take_rest() {
  std::string out = std::move(held_) + std::move(partial_);
  held_.clear();
  partial_.clear();
  return out;
}

std::size_t StreamJournal::num_resumed() const {
  return ended_ && !tokens_.empty() ? tokens_.size() - 1 : tokens_.size();
}

std::string StreamJournal::resume_body(std::string_view body) const {
  body = trimmed_right(body);
  if (!body.ends_with('}')) return {};
  body.remove_suffix(1);
  const std::string_view rest = trimmed_right(body);
  const std::string_view comma = rest.ends_with('{') ? "" : ",";
  return fmt::format("{}{}\"nacelle_resume\":{},\"tokens\":[{}]}}}}", body, comma, name_,
                     fmt::join(tokens_.begin(),
                               tokens_.begin() + static_cast<std::ptrdiff_t>(num_resumed()), ","));
}

void StreamJournal::restart() {
  partial_.clear();
  held_.clear();
  repeats_ = ended_;
  skipped_ = 0;
}

}  // namespace nacelle::gateway
