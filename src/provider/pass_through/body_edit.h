// body_edit.h: small edits of a JSON body where its members stand; every other byte stays.
//
// Home:    pure functions; any thread.
// Errors:  invalid_argument when the body is not one JSON object.
// Source:  gateway.md sections 7.3 and 8.2.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::provider {

struct BodyFacts {
  std::string model;  // "" = none
  bool stream = false;
  bool include_usage = false;  // stream_options.include_usage is true
};
[[nodiscard]] Result<BodyFacts> read_body(std::string_view body);

// Every top-level `model` becomes `model`; a body that names it twice cannot mean two things.
[[nodiscard]] std::string replace_model(std::string_view body, std::string_view model);

// Sets stream_options.include_usage, whatever stood there. `body` was accepted by read_body().
[[nodiscard]] std::string ask_for_usage(std::string_view body);

// The answer's counterpart: `model` at the top, or in `message` of an Anthropic message_start.
// A text that is no object comes back as it is.
[[nodiscard]] std::string replace_answer_model(std::string_view json, std::string_view model);

// True for the event of a stream that stream_options.include_usage adds: no choices, only usage.
[[nodiscard]] bool is_usage_chunk(std::string_view json);

}  // namespace nacelle::provider
