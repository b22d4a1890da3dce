// links: net
// http2_server_fuzz.cc: whatever follows the HTTP/2 preface on a connection.
//
// Checks: the connection ends and its handlers return; a request that reaches a handler can be
// written as one HTTP/1.1 head that our strict parser reads with the same meaning, so that no
// upstream can be made to read it otherwise.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "net/http1/head_parser.h"
#include "net/http1/serialize.h"
#include "net/http2/session.h"
#include "served_wire.h"

namespace {

using namespace nacelle;
using namespace nacelle::net;
using fuzz::require;

void check_downgrade(const http::RequestHead& head) {
  http::RequestHead forwarded = head;
  forwarded.headers.remove("content-length");
  std::string wire;
  require(http1::append_request_head(wire, forwarded, "upstream:1", std::nullopt).ok());
  http::RequestHead again;
  http1::ParsedRequest parsed;
  parsed.head = &again;
  http1::ScanState scan;
  http1::HeadLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_fields = 1000;
  const auto outcome = http1::parse_request_head(wire, limits, scan, parsed);
  require(outcome.state == http1::ParseState::kDone);
  require(outcome.consumed == wire.size());
  require(again.method == head.method && again.target == head.target);
  require(again.host() == head.host());
  require(parsed.body.kind == http1::BodyKind::kNone);
}

const http::ResponseHead kPlain;

// Echoes what comes before a '!'.
struct Echo final : http::BodySink {
  bool take(std::string_view& piece, std::string& replies) override {
    const std::size_t count = std::min(piece.find('!'), piece.size());
    replies.append(piece.substr(0, count));
    piece.remove_prefix(count);
    return piece.empty();
  }
};

async::Task<void> feed(http::ServerExchange& exchange) {
  (void)co_await exchange.start(kPlain);
  Echo echo;
  for (;;) {
    const Result<bool> left = co_await exchange.feed(echo);
    if (!left.ok() || !*left) break;
    const Result<std::string_view> piece = co_await exchange.read_chunk();
    require(!piece.ok() || piece->starts_with('!'));
    if (!piece.ok()) co_return;
    (void)co_await exchange.write(*piece);
  }
  (void)co_await exchange.finish();
}

async::Task<void> serve(http::ServerExchange& exchange) {
  check_downgrade(exchange.request());
  if (exchange.request().method == "PUT") {
    co_await feed(exchange);
    co_return;
  }
  const Result<std::string> body = co_await exchange.read_body(100000);
  require(exchange.request_trailers().validate().ok());
  if (exchange.request().method == "HEAD") {
    (void)co_await exchange.start(kPlain);
    (void)co_await exchange.write("some");
    const http::Headers trailers{{"x", "y"}};
    (void)co_await exchange.finish_with_trailers(trailers, "more");
  } else {
    std::string text = "no body";
    if (body.ok()) text = *body;
    (void)co_await exchange.respond(kPlain, text);
  }
}

http::HttpServerConfig make_config() {
  http::HttpServerConfig config = fuzz::impatient_config();
  config.http2.max_concurrent_streams = 50;
  return config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* const loop = new async::Loop;
  static const auto context =
      std::make_shared<http1::ServerContext>(*loop, make_config(), serve, http::RefusalFormatter(),
                                             std::make_shared<http1::ServerCounters>());
  std::string wire(http2::kPreface);
  wire.append(reinterpret_cast<const char*>(data), size);
  fuzz::serve_wire(context, wire);
  return 0;
}
