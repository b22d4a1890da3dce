// links: router
// request_body_fuzz.cc: a path on the first line, a body behind it.
//
// Checks: the body's text stays as it is, the prompt is a part of it, and a body that was read can
// ask for another model and then names that one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "router/request_body.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle::router;
  static RequestBodyReader reader;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t line = bytes.find('\n');
  const std::string_view path = bytes.substr(0, line);
  std::string body(line == std::string_view::npos ? std::string_view() : bytes.substr(line + 1));
  const std::string before = body;
  const auto read = reader.read(path, body);
  require(body == before);
  if (!read) return 0;
  if (!read->prompt.empty()) {
    require(read->prompt.data() >= body.data());
    require(read->prompt.data() + read->prompt.size() <= body.data() + body.size());
  }
  if (!read->needs_model()) return 0;
  auto other = with_model(body, "another");
  if (!other) return 0;  // on-demand reading does not look into every value
  const auto again = reader.read(path, *other);
  require(!again || again->model == "another");
  return 0;
}
