// event_writer.h: server-sent events as bytes.
//
// Writes `event: <type>` when a type is given, one `data:` line per line of data, and an empty
// line. CR, LF and CRLF in data all start a new data line; in type and id they are dropped.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::net::sse {

// Appends "data: <data>\n\n" to `out`.
void append_event(std::string& out, std::string_view data);
void append_event(std::string& out, std::string_view type, std::string_view data,
                  std::string_view id = {});

// Appends ": <text>\n\n", which clients ignore: keeps an idle stream alive.
void append_comment(std::string& out, std::string_view text);

}  // namespace nacelle::net::sse
