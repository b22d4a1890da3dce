// Any bytes as the body of POST /v1/chat/completions: an answer or an error, and the error is a
// JSON object.

// links: openai base
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "openai/chat_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const openai::ChatPolicy policy{.trust_request_chat_template = true,
                                  .enable_auto_tool_choice = true};
  const auto request = openai::parse_chat_request(body, {}, policy);
  if (request.ok()) {
    CHECK(request->prompt.messages.is_array() && !request->prompt.messages.empty());
    for (const auto& message : request->prompt.messages) CHECK(message["role"].is_string());
  } else {
    CHECK(request.error().status == 400);
    CHECK(is_valid_utf8(openai::to_json(request.error())));
  }
  return 0;
}
