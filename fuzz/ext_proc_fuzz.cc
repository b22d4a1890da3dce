// links: epp
// ext_proc_fuzz.cc: what a proxy sends the Endpoint Picker on one stream.
//
// Checks: the stream ends and nothing stays booked; pieces of bodies are read without protobuf only
// as protobuf reads them; replies are framed messages that protobuf reads.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/stubs/logging.h>

#include "async/loop.h"
#include "epp/body_wire.h"
#include "epp/testing/stream_pool.h"
#include "net/http2/session.h"
#include "net/testing/frame_peer.h"
#include "served_wire.h"

namespace {

using namespace nacelle;
using namespace nacelle::net;
using fuzz::require;

constexpr std::size_t kMaxData = 16'384;  // of an HTTP/2 frame

void check_piece(std::string_view bytes) {
  const auto piece = epp::response_body_in(bytes);
  const auto parsed = grpc::parse_message<epp::ProcessingRequest>(bytes);
  if (!piece || !parsed.ok()) return;
  require(parsed->has_response_body());
  require(parsed->response_body().body() == piece->body);
  require(parsed->response_body().end_of_stream() == piece->end_of_stream);
  std::string framed;
  epp::append_body_reply(epp::Half::kResponse, piece->body, piece->end_of_stream, framed);
  const auto reply = grpc::parse_message<epp::ProcessingResponse>(
      std::string_view(framed).substr(grpc::kPrefixBytes));
  require(reply.ok());
  const auto& streamed = reply->response_body().response().body_mutation().streamed_response();
  require(streamed.body() == piece->body);
  require(streamed.end_of_stream() == piece->end_of_stream);
}

void check_pieces(std::string_view wire) {
  grpc::MessageReader reader(1 << 20);
  for (;;) {
    const auto message = reader.next(wire);
    if (!message.ok() || !message->has_value()) return;
    check_piece(**message);
  }
}

}  // namespace

// The first byte says in how large pieces the rest comes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto before = google::protobuf::SetLogHandler(nullptr);  // it tells of every message
  (void)before;
  const std::string_view wire(reinterpret_cast<const char*>(data + 1), size - 1);
  check_pieces(wire);

  static auto* const loop = new async::Loop;
  static auto* const pool = new epp::testing::StreamPool;
  static const auto context = std::make_shared<http1::ServerContext>(
      *loop, fuzz::impatient_config(), epp::testing::handler_of(*pool), http::RefusalFormatter(),
      std::make_shared<http1::ServerCounters>());
  namespace wires = nacelle::net::testing;
  wires::FieldList fields = wires::request_fields("POST", "/Process");
  fields.emplace_back("content-type", "application/grpc");
  std::string bytes(http2::kPreface);
  bytes += wires::frame_bytes(NGHTTP2_SETTINGS, 0, 0, {});
  bytes +=
      wires::frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, wires::header_block(fields));
  const std::size_t step = data[0] == 0 ? kMaxData : std::size_t{64} * data[0];  // at most 16,320
  for (std::size_t at = 0; at < wire.size(); at += step) {
    bytes += wires::frame_bytes(NGHTTP2_DATA, 0, 1, wire.substr(at, step));
  }
  bytes += wires::frame_bytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, {});

  fuzz::serve_wire(context, bytes);
  require(pool->booked() == 0 && pool->flow.stats().in_flight == 0);
  return 0;
}
