#include "net/sse/event_writer.h"

namespace nacelle::net::sse {

namespace {

void append_without_line_breaks(std::string& out, std::string_view text) {
  for (char c : text) {
    if (c != '\r' && c != '\n') out += c;
  }
}

// One `prefix` line per line of text.
void append_lines(std::string& out, std::string_view prefix, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    out.append(prefix);
    out.append(text.substr(0, end));
    out.push_back('\n');
    if (end == std::string_view::npos) return;
    const bool crlf = text.substr(end, 2) == "\r\n";
    text.remove_prefix(end + (crlf ? 2 : 1));
  }
}

}  // namespace

void append_event(std::string& out, std::string_view data) {
  append_lines(out, "data: ", data);
  out.push_back('\n');
}

void append_event(std::string& out, std::string_view type, std::string_view data,
                  std::string_view id) {
  if (!id.empty()) {
    out.append("id: ");
    append_without_line_breaks(out, id);
    out.push_back('\n');
  }
  if (!type.empty()) {
    out.append("event: ");
    append_without_line_breaks(out, type);
    out.push_back('\n');
  }
  append_event(out, data);
}

void append_comment(std::string& out, std::string_view text) {
  append_lines(out, ": ", text);
  out.push_back('\n');
}

}  // namespace nacelle::net::sse
