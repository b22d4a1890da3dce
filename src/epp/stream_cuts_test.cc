// Streams that break off at every byte of what a proxy sends: nothing stays booked.
#include <gtest/gtest.h>

#include <string>

#include "epp/testing/stream_pool.h"
#include "net/testing/frame_peer.h"
#include "net/testing/server_fixture.h"

namespace nacelle::epp {
namespace {

using testing::StreamPool;

enum class End { kReset, kLost };

// Sends that many bytes of a stream, then resets it or leaves.
void send_cut(std::uint16_t port, std::string_view bytes, End end) {
  net::testing::FramePeer peer(port);
  net::testing::FieldList fields = net::testing::request_fields("POST", "/Process");
  fields.emplace_back("content-type", "application/grpc");
  peer.headers(1, fields, false);
  if (!bytes.empty()) peer.data(1, bytes);
  if (end == End::kReset) {
    peer.send(NGHTTP2_RST_STREAM, 0, 1, net::testing::number32(NGHTTP2_CANCEL));
  }
}

void expect_idle(StreamPool& pool) {
  EXPECT_EQ(pool.booked(), 0u);
  const auto stats = pool.flow.stats();
  EXPECT_EQ(stats.waiting, 0u);
  EXPECT_EQ(stats.waiting_bytes, 0u);
  EXPECT_EQ(stats.in_flight, 0u);
  const std::string text = pool.metrics.serialize();
  for (std::size_t at = text.find("llm_d_epp_request_running{"); at != std::string::npos;
       at = text.find("llm_d_epp_request_running{", at + 1)) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    EXPECT_TRUE(line.ends_with("} 0")) << line;
  }
}

TEST(StreamCuts, EveryByteOfAChat) {
  std::string answer;
  const std::string wire = testing::chat(answer);
  StreamPool pool;
  net::testing::ServerFixture server(testing::handler_of(pool));
  for (std::size_t size = 0; size < wire.size(); ++size) {
    for (const End end : {End::kReset, End::kLost}) {
      send_cut(server.port(), std::string_view(wire).substr(0, size), end);
    }
  }
  EXPECT_EQ(server.drain(60s), Status());
  EXPECT_NE(pool.metrics.serialize().find("llm_d_epp_request_total{"), std::string::npos)
      << "some came as far as the pick";
  expect_idle(pool);
}

// The pool is full: whoever sent the whole request waits in flow control.
TEST(StreamCuts, EveryByteWhileThePoolIsFull) {
  std::string answer;
  const std::string wire = testing::chat(answer);
  const std::string request = testing::chat_request();
  router::flow::FlowControlConfig config;
  config.detector.kind = router::flow::DetectorKind::kConcurrency;
  config.detector.max_concurrency = 1;
  StreamPool pool(config);
  router::RoutingRequest any;
  std::vector<router::Placement> held;
  while (held.size() < 2) held.push_back(pool.router.pick(any, pool.clock.now()).value());
  pool.flow.on_pool_change();
  {
    net::testing::ServerFixture server(testing::handler_of(pool));
    for (std::size_t size = 0; size < wire.size(); ++size) {
      for (const End end : {End::kReset, End::kLost}) {
        send_cut(server.port(), std::string_view(wire).substr(0, size), end);
      }
    }
    // One that stays is seen to wait, and gets the room of one that leaves.
    net::testing::FramePeer peer(server.port());
    net::testing::FieldList fields = net::testing::request_fields("POST", "/Process");
    fields.emplace_back("content-type", "application/grpc");
    peer.headers(1, fields, false);
    peer.data(1, wire, true);
    while (pool.flow.stats().waiting != 1) std::this_thread::sleep_for(1ms);
    held.clear();
    pool.flow.on_pool_change();
    EXPECT_TRUE(peer.response(1).complete);
    EXPECT_EQ(server.drain(60s), Status());
  }
  expect_idle(pool);
}

}  // namespace
}  // namespace nacelle::epp
