// json_bytes.h: arbitrary bytes as a JSON string and back.
//
// Home:    pure.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::router {

// With quotes. Bytes from 0x80 become \u00xx, so the text is ASCII.
void append_json_bytes(std::string_view bytes, std::string& out);

// From the UTF-8 that a JSON parser made of it. Code points above 0xff, which the above never
// writes, become '?'.
[[nodiscard]] std::string bytes_of_json(std::string_view utf8);

}  // namespace nacelle::router
