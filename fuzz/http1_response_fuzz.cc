// links: net
// http1_response_fuzz.cc: response heads from an upstream that may be broken or hostile.
//
// Checks: any split of the bytes gives the same decision as the whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http1/head_parser.h"

namespace {

using namespace nacelle::net;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Parsed {
  http1::ParseOutcome outcome;
  http::ResponseHead head;
  http1::ParsedResponse response;
};

void parse(std::string_view bytes, std::size_t step, Parsed& out) {
  out.response.head = &out.head;
  http1::ScanState scan;
  for (std::size_t size = 0;;) {
    out.outcome = http1::parse_response_head(bytes.substr(0, size), "GET", http1::HeadLimits{},
                                             scan, out.response);
    if (out.outcome.state != http1::ParseState::kNeedMore || size == bytes.size()) return;
    size = std::min(size + step, bytes.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Parsed whole, split;
  parse(bytes, bytes.size() + 1, whole);
  parse(bytes, 1 + size % 7, split);
  require(whole.outcome.state == split.outcome.state);
  require(whole.outcome.consumed == split.outcome.consumed);
  if (whole.outcome.state != http1::ParseState::kDone) return 0;
  require(whole.outcome.consumed <= size);
  require(whole.head.status >= 100 && whole.head.status <= 999);
  require(whole.response.body.kind == split.response.body.kind);
  require(whole.response.body.length == split.response.body.length);
  return 0;
}
