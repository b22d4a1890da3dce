#include "provider/usage_meter.h"

#include <algorithm>
#include <cstring>

#include "provider/json/object_scanner.h"

namespace nacelle::provider {

namespace {

constexpr std::string_view kUsageToken = "\"usage\"";

// A member "usage" may be there. With stream_options.include_usage every chunk before the last says
// "usage": null, which needs no reading.
bool may_tell_usage(std::string_view line) {
  while (const void* found =
             ::memmem(line.data(), line.size(), kUsageToken.data(), kUsageToken.size())) {
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
    line.remove_prefix(at + kUsageToken.size());
    std::string_view value = line;
    value.remove_prefix(std::min(value.find_first_not_of(": \t\r"), value.size()));
    if (!value.starts_with("null")) return true;
  }
  return false;
}

void read_count(std::string_view raw, std::uint64_t& out) {
  // Beyond 2^53 is no count of tokens, and sums of counts must not wrap.
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 53;
  if (const auto value = json::unsigned_value(raw); value && *value <= kLargest) out = *value;
}

void read_detail(std::string_view raw, std::string_view name, std::uint64_t& out) {
  json::ObjectScanner details(raw);
  while (const auto member = details.next()) {
    if (member->key == name) read_count(member->value, out);
  }
}

}  // namespace

void merge_usage(std::string_view raw, TokenUsage& usage) {
  json::ObjectScanner members(raw);
  bool reads_beside = false;  // Anthropic: input_tokens leaves the cached parts out
  bool has_input = false;
  std::uint64_t input = 0;
  while (const auto member = members.next()) {
    const std::string_view key = member->key;
    const std::string_view value = member->value;
    if (key == "prompt_tokens" || key == "input_tokens") {
      has_input = json::unsigned_value(value).has_value();
      read_count(value, input);
    } else if (key == "completion_tokens" || key == "output_tokens") {
      read_count(value, usage.output);
      usage.reported = true;
    } else if (key == "prompt_tokens_details" || key == "input_tokens_details") {
      read_detail(value, "cached_tokens", usage.cached_input);
    } else if (key == "completion_tokens_details" || key == "output_tokens_details") {
      read_detail(value, "reasoning_tokens", usage.reasoning);
    } else if (key == "cache_read_input_tokens") {
      reads_beside = true;
      read_count(value, usage.cached_input);
    } else if (key == "cache_creation_input_tokens") {
      reads_beside = true;
      read_count(value, usage.cache_creation);
    }
  }
  if (!has_input) return;
  usage.reported = true;
  usage.input = input + (reads_beside ? usage.cached_input + usage.cache_creation : 0);
}

void UsageMeter::feed(std::string_view bytes) {
  if (form_ == AnswerForm::kJson) {
    capture_.feed(bytes);
  } else {
    feed_lines(bytes);
  }
}

void UsageMeter::feed_lines(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto* found = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const std::size_t length =
        found == nullptr ? bytes.size() : static_cast<std::size_t>(found - bytes.data());
    const std::string_view piece = bytes.substr(0, length);
    if (found == nullptr || !partial_line_.empty()) {
      if (partial_line_.size() + piece.size() > kMaxLineBytes) {
        skipping_line_ = true;
        partial_line_.clear();
      }
      if (!skipping_line_) partial_line_.append(piece);
    }
    if (found == nullptr) return;
    if (!skipping_line_) on_line(partial_line_.empty() ? piece : std::string_view(partial_line_));
    skipping_line_ = false;
    partial_line_.clear();
    bytes.remove_prefix(length + 1);
  }
}

void UsageMeter::on_line(std::string_view line) {
  constexpr std::string_view kField = "data:";
  if (!line.starts_with(kField)) return;
  line.remove_prefix(kField.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line.starts_with("[DONE]")) return;
  ++num_events_;
  if (model_.empty() || may_tell_usage(line)) on_data(line);
}

void UsageMeter::on_data(std::string_view data) {
  capture_.reset();
  capture_.feed(data);
  take_captured();
}

void UsageMeter::take_captured() {
  const auto take = [this](const json::MemberCapture& from) {
    if (!from.value(0).empty()) merge_usage(from.value(0), usage_);
    if (!model_.empty() || from.value(1).empty()) return;
    if (auto name = json::string_value(from.value(1))) model_ = std::move(*name);
  };
  take(capture_);
  for (const std::size_t wrapper : {std::size_t{2}, std::size_t{3}}) {
    if (capture_.value(wrapper).empty()) continue;
    inner_.reset();
    inner_.feed(capture_.value(wrapper));
    take(inner_);
  }
}

void UsageMeter::finish() {
  if (form_ == AnswerForm::kJson) {
    take_captured();
  } else if (!partial_line_.empty() && !skipping_line_) {
    on_line(partial_line_);
    partial_line_.clear();
  }
}

}  // namespace nacelle::provider
