// http2_resets_test.cc: upstreams over HTTP/2 that reset the connection after any number of bytes
// of their answer, or the stream after any of its frames. A client gets a whole answer, a stream
// that another engine finished, an error event, or a broken connection: never a part that looks
// whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/sockios.h>
#include <nghttp2/nghttp2.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <thread>

#include "gateway/testing/fixture.h"
#include "net/testing/frame_peer.h"
#include "net/testing/raw_server.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::FieldList;
using net::testing::frame_bytes;
using net::testing::header_block;
using net::testing::number32;
using net::testing::RawServer;
using testing::Answer;
using testing::base_objects;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::policy;
using testing::route;
using ::testing::StartsWith;

// Takes one request per connection and answers the n-th with `bytes(n)`, then resets it.
class ResettingHttp2Server {
 public:
  explicit ResettingHttp2Server(std::function<std::string(std::size_t)> bytes)
      : bytes_(std::move(bytes)), server_([this](RawServer::Peer& peer) { serve(peer.fd()); }) {}
  [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", server_.port()); }
  [[nodiscard]] std::size_t asked() const { return asked_; }

 private:
  void serve(int fd) {
    if (!read_request(fd)) return;
    const std::string text = bytes_(asked_++);
    (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    // The bytes arrive before the reset does.
    int queued = text.empty() ? 0 : 1;
    for (int i = 0; i < 50 && queued > 0; ++i) {
      (void)::ioctl(fd, SIOCOUTQ, &queued);
      std::this_thread::yield();
    }
    const linger hard{1, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }

  // The preface, and frames up to the one that ends the request's stream.
  static bool read_request(int fd) {
    std::string bytes;
    const auto have = [&](std::size_t size) {
      char buffer[4096];
      while (bytes.size() < size) {
        const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
        if (got <= 0) return false;
        bytes.append(buffer, static_cast<std::size_t>(got));
      }
      return true;
    };
    constexpr std::size_t kPreface = 24, kHead = 9;
    if (!have(kPreface)) return false;
    bytes.erase(0, kPreface);
    for (;;) {
      if (!have(kHead)) return false;
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
      const std::size_t size = std::size_t{byte(0)} << 16 | byte(1) << 8 | byte(2);
      const bool carries = byte(3) == NGHTTP2_DATA || byte(3) == NGHTTP2_HEADERS;
      const bool ends = carries && (byte(4) & NGHTTP2_FLAG_END_STREAM) != 0;
      if (!have(kHead + size)) return false;
      bytes.erase(0, kHead + size);
      if (ends) return true;
    }
  }

  const std::function<std::string(std::size_t)> bytes_;
  std::atomic<std::size_t> asked_{0};
  RawServer server_;
};

// ---- answers as frames

using Frames = std::vector<std::string>;

std::string settings() { return frame_bytes(NGHTTP2_SETTINGS, 0, 0, {}); }
std::string head(const FieldList& fields, std::uint8_t flags = NGHTTP2_FLAG_END_HEADERS) {
  return frame_bytes(NGHTTP2_HEADERS, flags, 1, header_block(fields));
}
std::string data(std::string_view bytes, bool last = false) {
  return frame_bytes(NGHTTP2_DATA, last ? NGHTTP2_FLAG_END_STREAM : 0, 1, bytes);
}
std::string trailers() {
  return head({{"x-trailer", "1"}}, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM);
}
std::string joined(const Frames& frames, std::size_t count = SIZE_MAX) {
  std::string out;
  for (std::size_t i = 0; i < std::min(count, frames.size()); ++i) out += frames[i];
  return out;
}

const FieldList kEventHead = {{":status", "200"}, {"content-type", "text/event-stream"}};
const FieldList kTextHead = {{":status", "200"}, {"content-type", "text/plain"}};
constexpr const char* kWholeStream = "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n";

Frames stream_frames() {
  return {settings(),   head(kEventHead),         data("data: 1\n\n"), data("data: 2\n\ndata: 3"),
          data("\n\n"), data("data: [DONE]\n\n"), trailers()};
}
// Ends by a flag on the last data, by an empty frame, and by trailers; with a length and without.
std::vector<Frames> hellos() {
  FieldList with_length = kTextHead;
  with_length.emplace_back("content-length", "11");
  return {{settings(), head(kTextHead), data("hello"), data(" world", true)},
          {settings(), head(with_length), data("hello"), data(" world"), data("", true)},
          {settings(), head(kTextHead), data("hello world"), trailers()}};
}

// Ways to end early after `count` whole frames, other than by a reset of the connection.
struct Cut {
  const char* says;
  std::string frame;
};
std::vector<Cut> cuts() {
  const auto reset = [](std::uint32_t code) {
    return frame_bytes(NGHTTP2_RST_STREAM, 0, 1, number32(code));
  };
  const auto away = [](std::uint32_t last) {
    return frame_bytes(NGHTTP2_GOAWAY, 0, 0, number32(last) + number32(NGHTTP2_NO_ERROR));
  };
  return {
      {"the stream is reset without an error", reset(NGHTTP2_NO_ERROR)},
      {"the stream is cancelled", reset(NGHTTP2_CANCEL)},
      {"the engine had an internal error", reset(NGHTTP2_INTERNAL_ERROR)},
      {"GOAWAY that includes the stream", away(1)},
      {"GOAWAY that leaves the stream out", away(0)},
      {"a frame that cannot be", frame_bytes(NGHTTP2_DATA, 0, 1, "x").substr(0, 5) + "garbage"}};
}

std::string h2_pool(const std::string& name, const std::vector<std::string>& addresses) {
  return testing::pool(name, addresses, testing::kH2c);
}
std::string h2_service(const std::string& name, const std::vector<std::string>& addresses) {
  return testing::service(name, addresses, testing::kH2c);
}
constexpr const char* kToService = R"(
  - {backendRefs: [{name: s, port: 80}]})";
constexpr const char* kToPool = R"(
  - {backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]})";
std::string no_ejection() {
  return policy("{kind: Service, name: s}", "  traffic: {outlierDetection: {enabled: false}}");
}

class Http2Resets : public testing::GatewayFixture {
 public:
  void expect_nothing_left() {
    EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
    EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_held_body_bytes 0\n"));
  }

  // What was asked of `bad` once is either whole, or says that it is not.
  void check_stream(const Answer& answer, const std::string& where) {
    const std::string whole = kWholeStream;
    if (answer.code != 200) {
      EXPECT_EQ(answer.code, 503) << where;
      return;
    }
    const std::size_t error = answer.body.find("data: {\"error\"");
    const std::string events = answer.body.substr(0, error);
    EXPECT_THAT(whole, StartsWith(events)) << where << " shows what never came";
    if (error != std::string::npos) {
      ++told_;
      EXPECT_TRUE(answer.status.ok()) << where;
      EXPECT_TRUE(events.empty() || events.ends_with("\n\n")) << where << ": " << answer.body;
      EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n")) << where;
    } else if (answer.status.ok()) {
      ++whole_;
      EXPECT_EQ(answer.body, whole) << where << " is incomplete and does not say so";
    } else {
      ++broken_;
    }
  }
  int told_ = 0, whole_ = 0, broken_ = 0;
};

TEST_F(Http2Resets, AStreamResetAtAnyByteIsWholeOrSaysThatItIsNot) {
  const std::string wire = joined(stream_frames());
  ResettingHttp2Server bad([&](std::size_t n) { return wire.substr(0, n % (wire.size() + 1)); });
  const testing::StopsFirst order(*this);
  start(base_objects("  limits: {maxAttempts: 1}") + h2_pool("p", {bad.address()}) +
        route("r", kToPool));
  for (std::size_t i = 0; i <= wire.size(); ++i) {
    check_stream(ask("POST", "/v1/completions", {}, R"({"stream":true})"), std::to_string(i));
  }
  EXPECT_EQ(bad.asked(), wire.size() + 1);
  EXPECT_GT(told_, 0);
  EXPECT_GT(whole_, 0);
  EXPECT_GT(broken_, 0) << "inside an event only the connection can tell";
  expect_nothing_left();
}

TEST_F(Http2Resets, AStreamCutAfterAnyFrameIsWholeOrSaysThatItIsNot) {
  const Frames frames = stream_frames();
  const std::vector<Cut> ways = cuts();
  std::atomic<std::size_t> row{0};  // not the number of the request: some are sent twice
  ResettingHttp2Server bad([&](std::size_t) {
    return joined(frames, row / ways.size() + 1) + ways[row % ways.size()].frame;
  });
  const testing::StopsFirst order(*this);
  start(base_objects("  limits: {maxAttempts: 1}") + h2_pool("p", {bad.address()}) +
        route("r", kToPool));
  for (std::size_t count = 0; count < frames.size(); ++count) {
    for (const Cut& cut : ways) {
      const Answer answer = ask("POST", "/v1/completions", {}, R"({"stream":true})");
      check_stream(answer, fmt::format("{} after {} frames", cut.says, count + 1));
      ++row;
    }
  }
  EXPECT_GE(bad.asked(), frames.size() * ways.size());
  EXPECT_GT(told_, 0);
  EXPECT_GT(whole_, 0);
  expect_nothing_left();
}

TEST_F(Http2Resets, AServicesAnswerResetAtAnyByteNeverLooksComplete) {
  for (const Frames& frames : hellos()) {
    const std::string wire = joined(frames);
    ResettingHttp2Server bad([&](std::size_t n) { return wire.substr(0, n % (wire.size() + 1)); });
    const testing::StopsFirst order(*this);
    start(base_objects() + h2_service("s", {bad.address()}) + route("r", kToService) +
          no_ejection());
    int whole = 0;
    for (std::size_t i = 0; i <= wire.size(); ++i) {
      const Answer answer = ask("GET", "/");
      if (answer.code != 200) {
        EXPECT_EQ(answer.code, 503) << i;
      } else if (answer.status.ok()) {
        ++whole;
        EXPECT_EQ(answer.body, "hello world") << i;
        EXPECT_TRUE(i == wire.size() || wire.find("content-length") != std::string::npos)
            << i << ": only a length tells earlier that this was all";
      }
    }
    EXPECT_GE(whole, 1);
    expect_nothing_left();
  }
}

TEST_F(Http2Resets, AnAnswerCutAfterAnyFrameOrShorterThanItsLengthNeverLooksComplete) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Frames& frames : hellos()) {
    // With a length the answer is whole before the frame that ends it.
    const bool told = frames[1].find("content-length") != std::string::npos;
    for (std::size_t count = 1; count + (told ? 1 : 0) < frames.size(); ++count) {
      for (const Cut& cut : cuts()) {
        rows.emplace_back(fmt::format("{} after {} frames", cut.says, count),
                          joined(frames, count) + cut.frame);
      }
    }
  }
  FieldList length = kTextHead;
  length.emplace_back("content-length", "20");
  rows.emplace_back("shorter than its length",
                    settings() + head(length) + data("hello world", true));
  rows.emplace_back("longer than its length",
                    settings() + head(length) + data(std::string(21, 'x'), true));
  rows.emplace_back("a length and no body",
                    settings() + head(length, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM));
  rows.emplace_back("trailers before the length is reached",
                    settings() + head(length) + data("hello") + trailers());
  rows.emplace_back("trailers that do not end the stream",
                    settings() + head(kTextHead) + data("hello") + head({{"x-trailer", "1"}}));
  std::atomic<std::size_t> row{0};
  ResettingHttp2Server bad([&](std::size_t) { return rows[row].second; });
  const testing::StopsFirst order(*this);
  start(base_objects() + h2_service("s", {bad.address()}) + route("r", kToService) + no_ejection());
  for (const auto& [says, unused] : rows) {
    const Answer answer = ask("GET", "/");
    EXPECT_FALSE(answer.code == 200 && answer.status.ok()) << says << ": " << answer.body;
    row = std::min(row + 1, rows.size() - 1);
  }
  EXPECT_GE(bad.asked(), rows.size());
  expect_nothing_left();
}

// ---- made good by another engine

Task<void> rescue(ServerExchange* exchange) {
  (void)co_await exchange->read_body(1 << 20);
  const ResponseHead head;
  (void)co_await exchange->respond(head, "rescued");
}

TEST_F(Http2Resets, AResetAtAnyByteOfAPoolsAnswerIsMadeGoodByTheNextLevel) {
  const std::string wire = joined(hellos().back());
  ResettingHttp2Server bad([&](std::size_t n) { return wire.substr(0, n % (wire.size() + 1)); });
  const testing::StopsFirst order(*this);
  start(base_objects() + h2_pool("p", {bad.address()}) +
        h2_pool("good", {upstream([](ServerExchange& e) { return rescue(&e); })}) + route("r", R"(
  - backendRefs:
    - {group: inference.networking.k8s.io, kind: InferencePool, name: p}
    - {group: inference.networking.k8s.io, kind: InferencePool, name: good})") +
        policy("{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}",
               "  priorities: [{backend: good, priority: 1}]"));
  for (std::size_t i = 0; i <= wire.size(); ++i) {
    const Answer answer = ask("POST", "/v1/completions", {}, "{}");
    EXPECT_EQ(answer.code, 200) << i;
    EXPECT_TRUE(answer.status.ok()) << i;
    EXPECT_EQ(answer.body, i == wire.size() ? "hello world" : "rescued") << i;
  }
  expect_nothing_left();
}

std::string event(std::string_view text, std::string_view finish = "null") {
  return fmt::format(
      "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"text\":\"{}\","
      "\"finish_reason\":{}}}]}}\n\n",
      text, finish);
}

// Goes on behind the tokens that it is told: 104 'h', 101 'e', 108 'l', 111 'o'.
Task<void> go_on(ServerExchange* exchange) {
  const auto body = co_await exchange->read_body(1 << 20);
  const std::string asked = body ? *body : "";
  ResponseHead head;
  head.headers.add("content-type", "text/event-stream");
  head.headers.add("x-nacelle-resume", R"({"id":"c","created":1})");
  (void)co_await exchange->start(head);
  std::string text;
  if (asked.find("108,111") == std::string::npos && asked.find("104,101") == std::string::npos)
    text += event("he") + ": t 104,101\n\n";
  text += event("lo", "\"stop\"") + ": t 108,111 end\n\n" + "data: [DONE]\n\n";
  (void)co_await exchange->finish(text);
}

// The text of all events; "!" for the end, "?" for an error event.
std::string told(const std::string& body) {
  std::string out;
  std::size_t at = 0;
  while ((at = body.find("data: ", at)) != std::string::npos) {
    const std::string line = body.substr(at + 6, body.find('\n', at) - at - 6);
    at += 6;
    if (line == "[DONE]") {
      out += '!';
    } else if (line.find("\"error\"") != std::string::npos) {
      out += '?';
    } else {
      const std::size_t begin = line.find("\"text\":\"") + 8;
      out += line.substr(begin, line.find('"', begin) - begin);
    }
  }
  return out;
}

TEST_F(Http2Resets, AResumableStreamResetAtAnyByteIsFinishedByAnotherEngine) {
  FieldList fields = kEventHead;
  fields.emplace_back("x-nacelle-resume", R"({"id":"c","created":1})");
  const std::string wire = settings() + head(fields) + data(event("he") + ": t 104,101\n\n") +
                           data(event("lo", "\"stop\"") + ": t 108,111 end\n\n") +
                           data("data: [DONE]\n\n", true);
  ResettingHttp2Server bad([&](std::size_t n) { return wire.substr(0, n % (wire.size() + 1)); });
  const testing::StopsFirst order(*this);
  // In turn: the first of each pair of requests meets the bad one, its second attempt the good one.
  start(base_objects() +
        h2_pool("p", {bad.address(), upstream([](ServerExchange& e) { return go_on(&e); })}) +
        route("r", kToPool));
  std::size_t asked = 0;
  for (std::size_t i = 0; bad.asked() <= wire.size() && i < 4 * wire.size(); ++i) {
    const Answer answer = ask("POST", "/v1/completions", {}, R"({"prompt":"x","stream":true})");
    EXPECT_EQ(answer.code, 200) << bad.asked();
    EXPECT_TRUE(answer.status.ok()) << bad.asked();
    EXPECT_EQ(told(answer.body), "helo!") << bad.asked() << ": " << answer.body;
    ++asked;
  }
  EXPECT_GT(bad.asked(), wire.size()) << "every byte was met, in " << asked << " requests";
  expect_nothing_left();
}

}  // namespace
}  // namespace nacelle::gateway
