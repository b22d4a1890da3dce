// links: net
// http1_request_fuzz.cc: request heads from anyone.
//
// Checks: any split of the bytes gives the same decision as the whole; an accepted head, forwarded
// by our serializer, is accepted again with the same meaning, so that no upstream can read it
// otherwise.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http1/head_parser.h"
#include "net/http1/serialize.h"

namespace {

using namespace nacelle::net;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Parsed {
  http1::ParseOutcome outcome;
  http::RequestHead head;
  http1::ParsedRequest request;
};

void parse(std::string_view bytes, std::size_t step, Parsed& out) {
  out.request.head = &out.head;
  http1::ScanState scan;
  for (std::size_t size = 0;;) {
    out.outcome =
        http1::parse_request_head(bytes.substr(0, size), http1::HeadLimits{}, scan, out.request);
    if (out.outcome.state != http1::ParseState::kNeedMore || size == bytes.size()) return;
    size = std::min(size + step, bytes.size());
  }
}

bool same_fields(const http::Headers& a, const http::Headers& b) {
  auto right = b.begin();
  for (const auto& field : a) {
    if (right == b.end() || field.name != right->name || field.value != right->value) return false;
    ++right;
  }
  return right == b.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Parsed whole, split;
  parse(bytes, bytes.size() + 1, whole);
  parse(bytes, 1 + size % 7, split);
  require(whole.outcome.state == split.outcome.state);
  require(whole.outcome.status == split.outcome.status);
  require(whole.outcome.consumed == split.outcome.consumed);
  if (whole.outcome.state == http1::ParseState::kError) require(whole.outcome.status >= 400);
  if (whole.outcome.state != http1::ParseState::kDone) return 0;
  require(same_fields(whole.head.headers, split.head.headers));
  require(whole.outcome.consumed <= size);

  http::RequestHead forwarded = whole.head;
  for (const char* name : {"content-length", "transfer-encoding", "connection", "keep-alive"}) {
    forwarded.headers.remove(name);
  }
  std::string wire;
  require(
      http1::append_request_head(wire, forwarded, "upstream:1", whole.request.body.length).ok());
  Parsed again;
  parse(wire, wire.size() + 1, again);
  require(again.outcome.state == http1::ParseState::kDone);
  require(again.outcome.consumed == wire.size());
  require(again.head.method == whole.head.method && again.head.target == whole.head.target);
  require(again.request.body.length == whole.request.body.length);
  return 0;
}
