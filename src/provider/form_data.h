// form_data.h: what routing and translation need of a multipart/form-data body, and the one edit
// that it may get: its `model`. Every other byte stays; the file of a form is never copied twice.
//
// Home:    pure functions; any thread.
// Errors:  invalid_argument when the content type names no boundary, when the body is not framed
//          by it to its end, or when it names a model twice.
// Source:  RFC 7578, RFC 2046 section 5.1.1.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::provider::form {

// True for multipart/form-data, in any case and with any parameters.
[[nodiscard]] bool is_form(std::string_view content_type);

// The parameter `boundary`, without its quotes.
[[nodiscard]] Result<std::string> boundary_of(std::string_view content_type);

struct Fields {
  std::string model;  // "" = none
  bool stream = false;
};
[[nodiscard]] Result<Fields> read_fields(std::string_view body, std::string_view boundary);

// `body` was accepted by read_fields() and names a model.
[[nodiscard]] std::string replace_model(std::string_view body, std::string_view boundary,
                                        std::string_view model);

}  // namespace nacelle::provider::form
