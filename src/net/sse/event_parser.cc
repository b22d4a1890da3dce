#include "net/sse/event_parser.h"

namespace nacelle::net::sse {

namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}

// Takes one line without its end. False when the input has no complete line; its rest is then kept.
bool SseParser::take_line(std::string_view& line) {
  if (skip_lf_ && !input_.empty()) {
    skip_lf_ = false;
    if (input_.front() == '\n') input_.remove_prefix(1);
  }
  const std::size_t end = input_.find_first_of("\r\n");
  if (end == std::string_view::npos) {
    partial_line_.append(input_);
    event_bytes_ += input_.size();
    input_ = {};
    return false;
  }
  event_bytes_ += end + 1;
  if (partial_line_.empty()) {
    line = input_.substr(0, end);
  } else {
    partial_line_.append(input_.substr(0, end));
    line_.swap(partial_line_);
    partial_line_.clear();
    line = line_;
  }
  skip_lf_ = input_[end] == '\r';
  input_.remove_prefix(end + 1);
  return true;
}

void SseParser::apply_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) {
    value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
  }
  if (field == "data") {
    if (has_data_) data_.push_back('\n');
    data_.append(value);
    has_data_ = true;
  } else if (field == "event") {
    type_.assign(value);
  } else if (field == "id") {
    if (value.find('\0') == std::string_view::npos) id_.assign(value);
  }  // "retry", comments and unknown fields are ignored
}

std::optional<SseEvent> SseParser::next() {
  if (delivered_) {
    type_.clear();
    data_.clear();
    delivered_ = false;
  }
  std::string_view line;
  while (status_.ok() && take_line(line)) {
    if (at_start_) {
      at_start_ = false;
      if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    }
    if (event_bytes_ > max_event_bytes_) break;
    if (!line.empty()) {
      apply_line(line);
      continue;
    }
    event_bytes_ = 0;
    if (has_data_) {
      has_data_ = false;
      delivered_ = true;
      return SseEvent{type_, data_, id_};
    }
    type_.clear();
  }
  if (status_.ok() && event_bytes_ > max_event_bytes_) {
    status_ = out_of_range("an event is larger than {} bytes", max_event_bytes_);
    partial_line_ = {};
    data_ = {};
  }
  return std::nullopt;
}

}  // namespace nacelle::net::sse
