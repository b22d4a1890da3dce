// json_string.h: a text as a JSON string.
//
// Home:    pure.
#pragma once

#include <string>
#include <string_view>

namespace nacelle {

// Appends `text` with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace nacelle
