// A sink that answers the body of an HTTP/2 request as it arrives: order, windows, stalls, ends.
#include <atomic>
#include <future>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http/server.h"
#include "net/testing/frame_peer.h"
#include "net/testing/server_fixture.h"

namespace nacelle::net::http {
namespace {

using testing::Frame;
using testing::FramePeer;
using testing::number32;
using testing::request_fields;
using testing::ServerFixture;

// Answers with the same bytes, but for what begins with '!'.
struct Echo final : BodySink {
  bool take(std::string_view& piece, std::string& replies) override {
    ++takes;
    const std::size_t count = std::min(piece.find('!'), piece.size());
    replies.append(piece.substr(0, count));
    piece.remove_prefix(count);
    used += count;
    return piece.empty();
  }

  std::atomic<std::size_t> takes{0}, used{0}, left{0};
  std::promise<Status> ended;
};

// Answers what the sink leaves with the same bytes, too.
async::Task<Status> converse(ServerExchange& exchange, Echo& echo) {
  for (;;) {
    const Result<bool> left = co_await exchange.feed(echo);
    if (!left.ok()) co_return left.error();
    if (!*left) co_return Status();
    ++echo.left;
    const Result<std::string_view> piece = co_await exchange.read_chunk();
    if (!piece.ok()) co_return piece.error();
    EXPECT_THAT(*piece, ::testing::StartsWith("!"));
    CO_RETURN_IF_ERROR(co_await exchange.write(*piece));
  }
}

async::Task<void> serve(ServerExchange& exchange, Echo* echo) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  Status ended = co_await converse(exchange, *echo);
  if (ended.ok()) ended = co_await exchange.finish();
  echo->ended.set_value(ended);
}

Handler serving(Echo& echo) {
  return [&echo](ServerExchange& exchange) { return serve(exchange, &echo); };
}

// Everything the server sends for what it was sent until now. An answer to a PING overtakes other
// frames, and those of one turn are bounded: three of them, one after the other.
std::vector<Frame> settled(FramePeer& peer) {
  std::vector<Frame> frames;
  for (int i = 0; i < 3; ++i) {
    peer.send(NGHTTP2_PING, 0, 0, "12345678");
    while (std::optional<Frame> frame = peer.next()) {
      if (frame->type == NGHTTP2_PING && (frame->flags & NGHTTP2_FLAG_ACK) != 0) break;
      frames.push_back(std::move(*frame));
    }
  }
  return frames;
}

std::string data_in(const std::vector<Frame>& frames) {
  std::string out;
  for (const Frame& frame : frames) {
    if (frame.type == NGHTTP2_DATA) out += frame.payload;
  }
  return out;
}

std::size_t count_of(const std::vector<Frame>& frames, std::uint8_t type) {
  std::size_t count = 0;
  for (const Frame& frame : frames) count += frame.type == type ? 1 : 0;
  return count;
}

TEST(Http2Feed, RepliesToOneReadLeaveTogether) {
  Echo echo;
  ServerFixture server(serving(echo));
  FramePeer peer(server.port());
  peer.headers(1, request_fields("POST"), false);
  EXPECT_EQ(peer.next(NGHTTP2_HEADERS, 1)->fields[0].second, "200") << "feed() waits";
  std::string burst;
  for (int i = 0; i < 20; ++i) burst += testing::frame_bytes(NGHTTP2_DATA, 0, 1, "piece");
  peer.send_raw(burst);
  const auto first = peer.next(NGHTTP2_DATA, 1);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->payload.size(), 100u) << "in one frame";
  EXPECT_EQ(echo.takes, 20u);
  EXPECT_EQ(echo.left, 0u) << "no coroutine was resumed for them";
  peer.data(1, "end", true);
  EXPECT_EQ(peer.response(1).body, "end");
  EXPECT_EQ(echo.ended.get_future().get(), Status());
}

TEST(Http2Feed, OrderIsKeptHoweverTheBodyComes) {
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    std::mt19937 random(seed);
    std::string body;
    for (int i = 0; i < 3000; ++i)
      body += random() % 40 == 0 ? '!' : static_cast<char>('a' + i % 26);
    Echo echo;
    ServerFixture server(serving(echo));
    FramePeer peer(server.port());
    peer.headers(1, request_fields("POST"), false);
    std::string got;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t size = std::min<std::size_t>(random() % 60, body.size() - at);
      at += size;
      peer.data(1, std::string_view(body).substr(at - size, size), at == body.size());
      // What comes next is a read of its own.
      if (at < body.size() && random() % 8 == 0) got += data_in(settled(peer));
    }
    const FramePeer::Response rest = peer.response(1);
    EXPECT_TRUE(rest.complete);
    EXPECT_TRUE(got + rest.body == body) << "seed " << seed;
    EXPECT_GT(echo.left, 0u);
    EXPECT_GT(echo.used, 0u);
  }
}

// The peer sends and does not read: what waits for it is bounded by the window for unread bodies.
TEST(Http2Feed, WindowComesBackOnlyWithTheReplies) {
  Echo echo;
  HttpServerConfig config;
  config.http2.stream_window_bytes = 65536;
  ServerFixture server(serving(echo), config);
  FramePeer peer(server.port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  (void)settled(peer);  // the connection's window
  peer.headers(1, request_fields("POST"), false);
  for (int i = 0; i < 4; ++i) {
    peer.data(1, std::string(16000, 'x'));
    EXPECT_EQ(count_of(settled(peer), NGHTTP2_WINDOW_UPDATE), 0u) << "nothing was read";
  }
  EXPECT_EQ(echo.used, 64000u);
  peer.window(1, 63999);
  EXPECT_EQ(data_in(settled(peer)).size(), 63999u);
  peer.window(1, 1 << 20);
  const std::vector<Frame> frames = settled(peer);
  EXPECT_EQ(data_in(frames), "x");
  const auto update = std::find_if(frames.begin(), frames.end(), [](const Frame& frame) {
    return frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream == 1;
  });
  ASSERT_NE(update, frames.end());
  EXPECT_EQ(update->code(), 64000u);
  peer.data(1, "end", true);
  EXPECT_EQ(peer.response(1).body, "end");
}

TEST(Http2Feed, APeerThatSendsOnWithoutReadingIsReset) {
  Echo echo;
  HttpServerConfig config;
  config.http2.stream_window_bytes = 65536;
  ServerFixture server(serving(echo), config);
  FramePeer peer(server.port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  (void)settled(peer);
  peer.headers(1, request_fields("POST"), false);
  for (int i = 0; i < 30; ++i) peer.data(1, std::string(16000, 'x'));
  const auto reset = peer.next(NGHTTP2_RST_STREAM, 1);
  ASSERT_TRUE(reset.has_value());
  EXPECT_EQ(reset->code(), std::uint32_t{NGHTTP2_FLOW_CONTROL_ERROR});
  EXPECT_LE(echo.used, 65536u + 65536u) << "the window, and the read that passed it";
  EXPECT_EQ(echo.ended.get_future().get().code(), Code::kCancelled);
}

// Windows of the connection and of streams that end early come back whole.
TEST(Http2Feed, AStreamThatIsResetGivesTheConnectionItsWindowBack) {
  Echo echo;
  HttpServerConfig config;
  config.http2.stream_window_bytes = 65536;
  config.http2.connection_window_bytes = 65535;
  std::atomic<int> number{0};
  Echo others;
  ServerFixture server([&](ServerExchange& e) { return serve(e, number++ == 0 ? &echo : &others); },
                       config);
  FramePeer peer(server.port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  (void)settled(peer);
  peer.headers(1, request_fields("POST"), false);
  for (int i = 0; i < 4; ++i) peer.data(1, std::string(16000, 'x'));
  EXPECT_EQ(count_of(settled(peer), NGHTTP2_WINDOW_UPDATE), 0u);
  peer.send(NGHTTP2_RST_STREAM, 0, 1, number32(NGHTTP2_CANCEL));
  const auto update = peer.next(NGHTTP2_WINDOW_UPDATE, 0);
  ASSERT_TRUE(update.has_value());
  EXPECT_EQ(update->code(), 64000u);
  EXPECT_EQ(echo.ended.get_future().get().code(), Code::kCancelled);
  peer.headers(3, request_fields("POST"), false);
  peer.window(3, 1 << 20);
  peer.data(3, std::string(16000, 'y'), true);
  EXPECT_EQ(peer.response(3).body.size(), 16000u);
}

TEST(Http2Feed, RepliesOutliveTheHandler) {
  Echo echo;
  ServerFixture server(serving(echo));
  FramePeer peer(server.port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  peer.headers(1, request_fields("POST"), false);
  peer.data(1, std::string(1000, 'x'), true);
  EXPECT_EQ(echo.ended.get_future().get(), Status()) << "the handler returned";
  EXPECT_EQ(data_in(settled(peer)), "");
  peer.window(1, 1000);
  const FramePeer::Response response = peer.response(1);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body.size(), 1000u);
}

TEST(Http2Feed, RepliesThatNobodyReadsResetTheStream) {
  for (const std::uint32_t window : {0u, 10u}) {
    Echo echo;
    HttpServerConfig config;
    config.write_stall_timeout = 20ms;
    ServerFixture server(serving(echo), config);
    FramePeer peer(server.port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}});
    peer.headers(1, request_fields("POST"), false);
    if (window > 0) {  // earlier replies that were read: their deadline serves for the later ones
      peer.data(1, "hello");
      EXPECT_EQ(peer.next(NGHTTP2_DATA, 1)->payload, "hello");
    }
    peer.data(1, std::string(100, 'x'));
    const auto reset = peer.next(NGHTTP2_RST_STREAM, 1);
    ASSERT_TRUE(reset.has_value());
    EXPECT_EQ(reset->code(), std::uint32_t{NGHTTP2_CANCEL});
    EXPECT_EQ(echo.ended.get_future().get().code(), Code::kDeadlineExceeded);
    EXPECT_EQ(settled(peer).size(), 0u) << "the connection lives";
  }
}

TEST(Http2Feed, ASilentBodyIsGivenUp) {
  Echo echo;
  HttpServerConfig config;
  config.body_timeout = 20ms;
  ServerFixture server(serving(echo), config);
  FramePeer peer(server.port());
  peer.headers(1, request_fields("POST"), false);
  for (int i = 0; i < 3; ++i) {
    peer.data(1, "x");
    EXPECT_EQ(peer.next(NGHTTP2_DATA, 1)->payload, "x");
  }
  EXPECT_EQ(echo.ended.get_future().get().code(), Code::kDeadlineExceeded);
}

TEST(Http2Feed, AClientThatLeavesEndsIt) {
  Echo echo;
  ServerFixture server(serving(echo));
  {
    FramePeer peer(server.port());
    peer.headers(1, request_fields("POST"), false);
    peer.data(1, "x");
    EXPECT_EQ(peer.next(NGHTTP2_DATA, 1)->payload, "x");
  }
  EXPECT_EQ(echo.ended.get_future().get().code(), Code::kCancelled);
  EXPECT_EQ(server.drain(30s), Status());
}

async::Task<void> feed_first(ServerExchange& exchange, Echo* echo) {
  const Result<bool> left = co_await exchange.feed(*echo);
  echo->ended.set_value(left.status());
  const ResponseHead head;
  (void)co_await exchange.respond(head, "");
}

// Feeds until it is interrupted, says so, and feeds on.
async::Task<void> serve_interrupted(ServerExchange& exchange, Echo* echo,
                                    std::promise<ServerExchange*>* waits) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  exchange.loop().post([&exchange, waits] { waits->set_value(&exchange); });
  const Result<bool> first = co_await exchange.feed(*echo);
  EXPECT_EQ(first.error().code(), Code::kCancelled);
  (void)co_await exchange.write("interrupted,");
  echo->ended.set_value(co_await converse(exchange, *echo));
  (void)co_await exchange.finish();
}

TEST(Http2Feed, AnInterruptedFeedEndsAndCanBeTakenUpAgain) {
  Echo echo;
  std::promise<ServerExchange*> waits;
  ServerFixture server(
      [&](ServerExchange& exchange) { return serve_interrupted(exchange, &echo, &waits); });
  FramePeer peer(server.port());
  peer.headers(1, request_fields("POST"), false);
  peer.data(1, "before,");
  EXPECT_EQ(peer.next(NGHTTP2_DATA, 1)->payload, "before,");
  ServerExchange* const exchange = waits.get_future().get();
  exchange->loop().post([exchange] { exchange->interrupt_read(); });
  EXPECT_EQ(peer.next(NGHTTP2_DATA, 1)->payload, "interrupted,");
  peer.data(1, "after", true);
  EXPECT_EQ(peer.response(1).body, "after");
  EXPECT_EQ(echo.ended.get_future().get(), Status());
}

TEST(Http2Feed, NeedsAResponseThatStreams) {
  Echo echo, old_echo;
  ServerFixture server([&](ServerExchange& exchange) {
    const bool two = exchange.request().version == Version::kHttp2;
    return feed_first(exchange, two ? &echo : &old_echo);
  });
  FramePeer peer(server.port());
  EXPECT_EQ(peer.get(1).field(":status"), "200");
  EXPECT_EQ(echo.ended.get_future().get().code(), Code::kFailedPrecondition);
  testing::RawClient old(server.port());
  old.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(old.read_response(), ::testing::StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(old_echo.ended.get_future().get().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace nacelle::net::http
