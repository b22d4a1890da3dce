// Any bytes as the body of POST /v1/completions: an answer or an error, and the error is a JSON
// object.

// links: openai base
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "openai/completion_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto request = openai::parse_completion_request(body, {});
  if (request.ok()) {
    CHECK(!request->prompts.empty());
    CHECK(request->sampling.n >= 1 && request->sampling.n <= 16384);
    CHECK(!request->sampling.max_tokens || *request->sampling.max_tokens >= 1);
  } else {
    CHECK(request.error().status == 400);
    CHECK(is_valid_utf8(openai::to_json(request.error())));
  }
  return 0;
}
