// links: net
// sse_fuzz.cc: event streams from an upstream that may be broken or hostile.
//
// Checks: any split gives the same events; events that we write again read the same; memory is
// bounded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/sse/event_parser.h"
#include "net/sse/event_writer.h"

namespace {

using namespace nacelle::net::sse;

constexpr std::size_t kBound = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

using Events = std::vector<std::pair<std::string, std::string>>;  // type and data

Events parse(std::string_view text, std::size_t step, bool& failed) {
  SseParser parser(kBound);
  Events out;
  while (!text.empty()) {
    const std::string piece(text.substr(0, step));
    text.remove_prefix(piece.size());
    parser.feed(piece);
    while (const auto event = parser.next()) {
      require(event->data.size() <= kBound);
      out.emplace_back(event->type, event->data);
    }
  }
  failed = !parser.status().ok();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool whole_failed = false, split_failed = false;
  const Events whole = parse(bytes, size + 1, whole_failed);
  const Events split = parse(bytes, 1 + size % 5, split_failed);
  require(whole == split && whole_failed == split_failed);

  std::string wire;
  for (const auto& [type, text] : whole) append_event(wire, type, text);
  bool failed = false;
  const Events again = parse(wire, wire.size() + 1, failed);
  if (!failed) require(again == whole);
  return 0;
}
