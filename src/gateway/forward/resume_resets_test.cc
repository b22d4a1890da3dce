// resume_resets_test.cc: a stream that can go on elsewhere, reset at every byte of its answer, once
// and twice in a row: the client always sees the whole of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "gateway/testing/fixture.h"
#include "net/testing/raw_server.h"

namespace nacelle::gateway {
namespace {

using net::testing::RawServer;
using testing::Answer;
using testing::base_objects;
using ::testing::HasSubstr;
using testing::pool;
using testing::route;

constexpr std::size_t kTokens = 3;

std::string chunk(const std::string& text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

// What an engine says from its `from`-th token on (docs/formats/stream-resume.md).
std::string wire(std::size_t from) {
  std::string out =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
      "connection: close\r\nx-nacelle-resume: {\"id\":\"c\",\"created\":1}\r\n\r\n";
  for (std::size_t i = from; i < kTokens; ++i) {
    std::string news = i == 0 ? "data: role\n\n" : "";
    news +=
        fmt::format("data: token {}\n\n: t {}{}\n\n", i, 100 + i, i + 1 == kTokens ? " end" : "");
    out += chunk(news);
  }
  return out + chunk("data: usage\n\ndata: [DONE]\n\n") + "0\r\n\r\n";
}

constexpr const char* kSeen =
    "data: role\n\ndata: token 0\n\ndata: token 1\n\ndata: token 2\n\ndata: usage\n\ndata: "
    "[DONE]\n\n";

// Engines with one request per connection: the first requests break off after so many bytes,
// whichever engine they come to, others are answered.
class DyingEngines {
 public:
  DyingEngines() {
    for (int i = 0; i < 3; ++i) {
      servers_.push_back(
          std::make_unique<RawServer>([this](RawServer::Peer& peer) { serve(peer); }));
    }
  }
  [[nodiscard]] std::vector<std::string> addresses() const {
    std::vector<std::string> out;
    for (const auto& server : servers_) out.push_back(fmt::format("127.0.0.1:{}", server->port()));
    return out;
  }
  void die_at(std::vector<std::size_t> bytes) {
    const std::lock_guard lock(mutex_);
    deaths_ = std::move(bytes);
    asked_ = 0;
  }

 private:
  void serve(RawServer::Peer& peer) {
    std::string request = peer.read_until("}");  // of the body
    if (request.empty()) return;
    std::size_t from = 0;
    if (const std::size_t list = request.find("\"tokens\":["); list != std::string::npos) {
      (void)peer.read_until("}");  // of the object around it
      const std::string tokens = request.substr(list + 10);
      from = static_cast<std::size_t>(std::count(tokens.begin(), tokens.end(), ','));
      from += tokens.starts_with(']') ? 0 : 1;
    }
    const std::string all = wire(from);
    const std::string text = all.substr(0, next_end(all.size()));
    peer.send(text);
    if (text.size() == all.size()) return;
    int queued = text.empty() ? 0 : 1;  // the bytes arrive before the reset does
    for (int i = 0; i < 50 && queued > 0; ++i) {
      (void)::ioctl(peer.fd(), SIOCOUTQ, &queued);
      std::this_thread::yield();
    }
    const linger hard{1, 0};
    (void)::setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }

  // How many of an answer's bytes go out.
  std::size_t next_end(std::size_t all) {
    const std::lock_guard lock(mutex_);
    const std::size_t turn = asked_++;
    return turn < deaths_.size() ? deaths_[turn] : all;
  }

  std::mutex mutex_;  // the test's thread and those of the servers
  std::size_t asked_ = 0;
  std::vector<std::size_t> deaths_;
  std::vector<std::unique_ptr<RawServer>> servers_;
};

class ResumeResets : public testing::GatewayFixture {
 public:
  void expect_whole(DyingEngines& engines, std::vector<std::size_t> deaths) {
    const std::string says = fmt::format("died at {}", fmt::join(deaths, ", "));
    engines.die_at(std::move(deaths));
    const Answer answer = ask("POST", "/v1/completions", {}, R"({"stream":true})");
    EXPECT_EQ(answer.code, 200) << says;
    EXPECT_TRUE(answer.status.ok()) << says << ": " << answer.status.message();
    EXPECT_EQ(answer.body, kSeen) << says;
    EXPECT_FALSE(answer.headers.contains("x-nacelle-resume"));
  }
  void start_with(const DyingEngines& engines) {
    start(base_objects() + pool("p", engines.addresses()) +
          route("r",
                "\n  - {backendRefs: [{group: inference.networking.k8s.io, kind: "
                "InferencePool, name: p}]}\n"));
  }
};

TEST_F(ResumeResets, AResetAtAnyByteIsNotSeen) {
  DyingEngines engines;
  const testing::StopsFirst order(*this);
  start_with(engines);
  for (std::size_t i = 0; i < wire(0).size(); ++i) expect_whole(engines, {i});
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
}

TEST_F(ResumeResets, NorAreTwoInARow) {
  DyingEngines engines;
  const testing::StopsFirst order(*this);
  start_with(engines);
  const std::size_t size = wire(0).size();
  for (std::size_t i = 0; i < size; i += 7) {
    for (std::size_t j = i % 5; j < size; j += 41) expect_whole(engines, {i, j});
  }
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
}

}  // namespace
}  // namespace nacelle::gateway
