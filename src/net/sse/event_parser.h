// event_parser.h: server-sent events out of a byte stream, incrementally and bounded.
//
//   SseParser parser(1 << 20);
//   parser.feed(bytes);
//   while (auto event = parser.next()) { use(event->data); }
//   if (!parser.status().ok()) ...
//
// Lines may end in CR, LF or CRLF, also split between two feeds; a leading byte order mark is
// skipped. An unfinished event at the end of the stream is dropped, as the standard says.
//
// Errors:  out_of_range when one event is larger than the bound; the parser then stays failed.
// Source:  WHATWG HTML, section 9.2.6 (interpreting an event stream).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace nacelle::net::sse {

// Views are valid until the next call of next() or feed().
struct SseEvent {
  std::string_view type;  // "" means "message"
  std::string_view data;  // lines joined by '\n'
  std::string_view id;    // the last event id, kept over events
};

class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = std::size_t{1} << 20)
      : max_event_bytes_(max_event_bytes) {}

  // The bytes must stay valid until next() returned nullopt; what is left over is then copied.
  void feed(std::string_view bytes) { input_ = bytes; }

  // The next complete event that has data; nullopt when more bytes are needed or after a failure.
  [[nodiscard]] std::optional<SseEvent> next();

  [[nodiscard]] const Status& status() const { return status_; }

 private:
  bool take_line(std::string_view& line);
  void apply_line(std::string_view line);

  std::size_t max_event_bytes_;
  std::string_view input_;
  std::string partial_line_;  // of earlier feeds
  std::string line_;          // the joined line that is being applied
  std::string type_, data_, id_;
  std::size_t event_bytes_ = 0;
  bool has_data_ = false;
  bool delivered_ = false;  // next() returned the event that type_ and data_ hold
  bool skip_lf_ = false;    // the last line ended in CR: a following LF belongs to it
  bool at_start_ = true;    // a byte order mark may follow
  Status status_;
};

}  // namespace nacelle::net::sse
