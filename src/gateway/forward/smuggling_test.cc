// smuggling_test.cc: requests that two parsers could read differently, through a gateway to an
// upstream that keeps every byte. What is refused does not reach it, and nothing becomes two
// requests. HTTP/2 to HTTP/1.1: client_faults_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <filesystem>
#include <mutex>

#include "base/file.h"
#include "gateway/testing/fixture.h"
#include "net/http1/head_parser.h"
#include "net/testing/http1_rows.h"
#include "net/testing/raw_client.h"
#include "net/testing/raw_server.h"

namespace nacelle::gateway {
namespace {

using net::testing::ChunkedRow;
using net::testing::HeadRow;
using net::testing::RawClient;
using net::testing::RawServer;
using testing::base_objects;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::policy;
using testing::pool;
using testing::route;
using testing::service;
using ::testing::StartsWith;

const std::string kEvil = "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n";

// Answers what looks like a whole request and keeps all bytes of all connections.
class ByteRecorder {
 public:
  ByteRecorder() : server_([this](RawServer::Peer& peer) { serve(peer); }) {}
  [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", server_.port()); }
  std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(bytes_, {});
  }

 private:
  void serve(RawServer::Peer& peer) {
    std::string request;
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::recv(peer.fd(), buffer, sizeof(buffer), 0);
      if (got <= 0) return;
      request.append(buffer, static_cast<std::size_t>(got));
      {
        const std::lock_guard lock(mutex_);
        bytes_.append(buffer, static_cast<std::size_t>(got));
      }
      if (!whole(request)) continue;
      peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      request.clear();
    }
  }
  static bool whole(const std::string& request) {
    const std::size_t head = request.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (request.find("transfer-encoding: chunked") < head)
      return request.size() > head + 4 && request.ends_with("0\r\n\r\n");
    const std::size_t length = request.find("content-length: ");
    if (length > head) return true;
    return request.size() >= head + 4 + std::strtoull(request.c_str() + length + 16, nullptr, 10);
  }

  std::mutex mutex_;
  std::string bytes_;  // guarded
  RawServer server_;
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

class Smuggling : public testing::GatewayFixture {
 public:
  // All paths go to the recorder: /p and below by way of a pool, which holds bodies.
  void start_with(const ByteRecorder& recorder) {
    start(base_objects() + service("s", {recorder.address()}) + pool("p", {recorder.address()}) +
          route("r", R"(
  - {matches: [{path: {value: /p}}], backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]}
  - {backendRefs: [{name: s, port: 80}]})") +
          policy("{kind: Service, name: s}", "  traffic: {outlierDetection: {enabled: false}}"));
  }

  // What a client gets that sends `bytes` and waits until the gateway closes, or, when `closes` is
  // false, for one answer.
  std::string exchange(const std::string& bytes, bool closes) {
    RawClient client(gateway_->port());
    client.send(bytes);
    return closes ? client.read_to_end() : client.read_response();
  }

  // What the upstream got since the last time: a plain request behind it has pushed it through.
  std::string received(ByteRecorder& recorder) {
    const std::string answer =
        exchange("GET /probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    std::string seen = recorder.take();
    const std::size_t probe = seen.find("GET /probe HTTP/1.1\r\n");
    EXPECT_NE(probe, std::string::npos) << seen;
    return seen.substr(0, probe);
  }
};

TEST_F(Smuggling, RefusedHeadsReachNobodyWhateverFollowsThem) {
  ByteRecorder recorder;
  const testing::StopsFirst order(*this);
  start_with(recorder);
  std::vector<HeadRow> rows = net::testing::head_rows();
  const auto folder = std::filesystem::path(NACELLE_TESTDATA) / "net" / "smuggling";
  std::vector<std::string> names;  // rows keep views of them
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  for (const std::string& name : names)
    rows.push_back({name.c_str(), *read_file(folder / name), std::stoi(name)});
  std::size_t refused = 0;
  for (const HeadRow& row : rows) {
    if (row.status == HeadRow::kAccepted) continue;
    ++refused;
    // As one parser would end the body, then as another one would.
    for (const std::string& tail : {kEvil, "0\r\n\r\n" + kEvil,
                                    fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", kEvil.size(), kEvil)}) {
      SCOPED_TRACE(row.name);
      const std::string answer = exchange(row.text + tail, true);
      EXPECT_EQ(received(recorder), "");
      if (row.text.starts_with("PRI * HTTP/2.0\r\n\r\nSM")) continue;  // HTTP/2, which is served
      EXPECT_THAT(answer, StartsWith(fmt::format("HTTP/1.1 {} ", row.status)));
      EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u) << answer;
      EXPECT_THAT(answer, HasSubstr("connection: close\r\n"));
    }
  }
  EXPECT_GT(refused, 80u);
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
}

TEST_F(Smuggling, AcceptedHeadsBecomeOneRequestOfOneMeaning) {
  ByteRecorder recorder;
  const testing::StopsFirst order(*this);
  start_with(recorder);
  for (const HeadRow& row : net::testing::head_rows()) {
    if (row.status != HeadRow::kAccepted) continue;
    SCOPED_TRACE(row.name);
    net::http::RequestHead head;
    net::http1::ParsedRequest parsed;
    parsed.head = &head;
    net::http1::ScanState scan;
    const auto outcome = net::http1::parse_request_head(row.text, {}, scan, parsed);
    ASSERT_EQ(outcome.state, net::http1::ParseState::kDone);
    std::string text = row.text;
    // A body that looks like a request: it ends where its framing says.
    if (parsed.body.kind == net::http1::BodyKind::kLength)
      text += kEvil.substr(0, parsed.body.length);
    if (parsed.body.kind == net::http1::BodyKind::kChunked)
      text += fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", kEvil.size(), kEvil);
    RawClient client(gateway_->port());
    client.send(text);
    std::string answer = client.read_response();
    if (answer.starts_with("HTTP/1.1 100 ")) answer = client.read_response();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 ")) << "an answer, whatever it is";
    const std::string seen = received(recorder);
    if (seen.empty()) continue;  // OPTIONS * is nobody's
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_LE(count(seen, "\r\nhost: ") + count(seen, "\r\nHost: "), 2u);
    if (parsed.body.kind == net::http1::BodyKind::kChunked) {
      EXPECT_THAT(seen,
                  EndsWith(fmt::format("\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", kEvil.size(), kEvil)));
      EXPECT_EQ(count(seen, " HTTP/1.1\r\n"), 2u) << "the second one is data";
    } else {
      EXPECT_EQ(count(seen, "\r\n\r\n"), 1u) << seen;
    }
    const std::size_t framings =
        count(seen, "content-length: ") + count(seen, "transfer-encoding: ");
    if (parsed.body.kind == net::http1::BodyKind::kNone) {
      EXPECT_EQ(framings, count(seen, "content-length: 0\r\n")) << seen;
    } else {
      EXPECT_EQ(framings, 1u) << seen;
    }
  }
}

TEST_F(Smuggling, BrokenChunksNeverEndARequestNorBeginOne) {
  ByteRecorder recorder;
  const testing::StopsFirst order(*this);
  start_with(recorder);
  for (const char* path : {"/s", "/p"}) {
    for (const ChunkedRow& row : net::testing::chunked_rows()) {
      SCOPED_TRACE(fmt::format("{} {}", path, row.name));
      const std::string head =
          fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", path);
      if (row.end == ChunkedRow::kMore) {
        RawClient client(gateway_->port());
        client.send(head + row.text);
        client.reset();  // the rest never comes
      } else {
        const bool fails = row.end == ChunkedRow::kError;
        const std::string answer = exchange(head + row.text + (fails ? kEvil : ""), fails);
        EXPECT_THAT(answer, StartsWith(fails ? "HTTP/1.1 400 " : "HTTP/1.1 200 "));
        EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u) << answer;
      }
      const std::string seen = received(recorder);
      EXPECT_THAT(seen, Not(HasSubstr("evil")));
      if (row.end == ChunkedRow::kDone) {
        EXPECT_THAT(seen, HasSubstr(row.data));
        EXPECT_EQ(count(seen, "POST "), 1u);
      } else {
        EXPECT_THAT(seen, Not(HasSubstr("\r\n0\r\n\r\n"))) << "the upstream took it for whole";
        if (std::string_view(path) == "/p") {
          EXPECT_EQ(seen, "") << "a held body that broke";
        }
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::gateway
