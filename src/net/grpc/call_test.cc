// gRPC calls between our client and our server, and health.
#include <cstdio>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "async/task_scope.h"
#include "grpc/health/v1/health.pb.h"
#include "net/grpc/client.h"
#include "net/grpc/health.h"
#include "net/grpc/server.h"
#include "net/grpc/status.h"
#include "net/grpc/typed.h"
#include "net/testing/frame_peer.h"
#include "net/testing/server_fixture.h"

namespace nacelle::net::grpc {
namespace {

using net::testing::FieldList;
using net::testing::Frame;
using net::testing::FramePeer;
using net::testing::ServerFixture;

// Echoes each message at once, with its number in front.
async::Task<Status> echo(ServerCall& call) {
  call.initial_metadata().add("x-kind", "echo");
  for (int number = 0;; ++number) {
    Result<std::optional<std::string_view>> message = co_await call.read();
    if (!message.ok()) co_return message.error();
    if (!message->has_value()) break;
    const std::string answer = std::to_string(number) + ":" + std::string(**message);
    CO_RETURN_IF_ERROR(co_await call.write(answer));
  }
  call.trailing_metadata().add("x-sum", "all");
  co_return Status();
}

// Answers what is not "slow..." or "end" at once.
struct QuickEcho final : MessageSink {
  bool take(std::string_view message, std::string& replies) override {
    if (message.starts_with("slow") || message == "end") return false;
    append_framed("quick:" + std::string(message), replies);
    return true;
  }
};

async::Task<Status> echo_quickly(ServerCall& call) {
  QuickEcho sink;
  for (;;) {
    Result<std::optional<std::string_view>> message = co_await call.read(sink);
    if (!message.ok()) co_return message.error();
    if (!message->has_value()) co_return Status();
    if (**message == "end") co_return resource_exhausted("enough");
    const std::string answer = "call:" + std::string(**message);
    CO_RETURN_IF_ERROR(co_await call.write(answer));
  }
}

async::Task<Status> fail(ServerCall& call) {
  (void)co_await call.read();
  co_return not_found("no such thing: 100% sure\n");
}

async::Task<Status> wait_for_cancel(ServerCall& call) {
  async::Event left(call.loop());
  call.on_cancel([&left] { left.set(); });
  (void)co_await left.wait();
  co_return cancelled("told");
}

http::Handler methods(std::size_t max_message_bytes = kDefaultMaxMessageBytes) {
  Server server({max_message_bytes});
  server.add("/test.Echo/Stream", echo);
  server.add("/test.Echo/Quick", echo_quickly);
  server.add("/test.Echo/Fail", fail);
  server.add("/test.Echo/Wait", wait_for_cancel);
  HealthService health;
  health.lookup = [](std::string_view name) -> std::optional<Health> {
    if (name.empty()) return Health::kServing;
    if (name == "down") return Health::kNotServing;
    return std::nullopt;
  };
  health.list = [] {
    return std::vector<std::pair<std::string, Health>>{{"", Health::kServing},
                                                       {"down", Health::kNotServing}};
  };
  add_health(server, std::move(health));
  return server.handler();
}

struct Talk {
  Status status;
  std::vector<std::string> messages;
  std::string kind, sum;
};

// Writes a message, reads its echo, and so on. GCC 12 warns of a mismatched delete when it inlines
// this.
[[gnu::noinline]] async::Task<Talk> talk(HostPort address, std::vector<std::string> messages) {
  http::HttpClient client(*async::Loop::current());
  Talk out;
  ClientCall call(client);
  out.status = co_await call.start(address, "/test.Echo/Stream");
  for (const std::string& message : messages) {
    if (out.status.ok()) out.status = co_await call.write(message);
    if (!out.status.ok()) co_return out;
    Result<std::optional<std::string_view>> answer = co_await call.read();
    if (!answer.ok() || !answer->has_value()) {
      out.status = answer.ok() ? internal("the call ended early") : answer.error();
      co_return out;
    }
    out.messages.emplace_back(**answer);
  }
  (void)co_await call.finish_writes();
  Result<std::optional<std::string_view>> end = co_await call.read();
  out.status = end.status();
  out.kind = call.initial_metadata().get("x-kind");
  out.sum = call.trailing_metadata().get("x-sum");
  co_return out;
}

TEST(Grpc, StreamsBothWays) {
  ServerFixture server(methods());
  const std::string big(300000, 'b');
  const Talk out = server.run(talk(server.address(), {"a", "", big}));
  EXPECT_EQ(out.status, Status()) << out.status.to_string();
  EXPECT_EQ(out.messages, (std::vector<std::string>{"0:a", "1:", "2:" + big}));
  EXPECT_EQ(out.kind, "echo");
  EXPECT_EQ(out.sum, "all");
}

async::Task<Result<std::string>> ask(HostPort address, std::string path, std::string request,
                                     CallOptions options = {}) {
  http::HttpClient client(*async::Loop::current());
  co_return co_await call_unary(client, address, path, request, options);
}

FieldList call_fields(std::string path) {
  return {{":method", "POST"},        {":scheme", "http"}, {":authority", "x"},
          {":path", std::move(path)}, {"te", "trailers"},  {"content-type", "application/grpc"}};
}

std::vector<std::string> messages_in(std::string_view body) {
  MessageReader reader(kDefaultMaxMessageBytes);
  std::vector<std::string> out;
  for (;;) {
    const auto message = reader.next(body);
    if (!message.ok() || !message->has_value()) return out;
    out.emplace_back(**message);
  }
}

TEST(Grpc, ASinkAnswersInOrderHoweverMessagesAreSplit) {
  std::string wire;
  for (const char* message : {"first", "a", "", "slow b", "c", "slow", "slow d", "ee"}) {
    append_framed(message, wire);
  }
  const std::vector<std::string> expected = {
      "call:first", "quick:a",   "quick:",      "call:slow b",
      "quick:c",    "call:slow", "call:slow d", "quick:ee"};
  ServerFixture server(methods());
  FramePeer peer(server.port());
  std::uint32_t id = 1;
  for (std::size_t split = kPrefixBytes + 5; split <= wire.size(); ++split, id += 2) {
    peer.headers(id, call_fields("/test.Echo/Quick"), false);
    peer.data(id, wire.substr(0, kPrefixBytes + 5));  // answered: from here on the sink is asked
    std::string body = peer.next(NGHTTP2_DATA, id)->payload;
    peer.data(id, wire.substr(kPrefixBytes + 5, split - kPrefixBytes - 5));
    peer.send(NGHTTP2_PING, 0, 0, "12345678");
    for (;;) {  // the rest is a read of its own
      const auto frame = peer.next();
      ASSERT_TRUE(frame.has_value());
      if (frame->type == NGHTTP2_PING) break;
      if (frame->type == NGHTTP2_DATA) body += frame->payload;
    }
    peer.data(id, wire.substr(split), true);
    const FramePeer::Response rest = peer.response(id);
    EXPECT_EQ(messages_in(body + rest.body), expected) << "split at " << split;
    EXPECT_EQ(rest.field("grpc-status"), "0");
  }
}

TEST(Grpc, ASinkLeavesErrorsAndEndsToTheMethod) {
  struct Row {
    const char* says;
    std::string wire;
    const char* status;
  };
  std::string big, part, end, quick;
  append_framed(std::string(101, 'x'), big);
  append_framed("a part", part);
  part.resize(7);
  append_framed("end", end);
  append_framed("q", quick);
  const std::vector<Row> table = {
      {"a message beyond the limit", big, "11"},
      {"the stream ends within a message", quick + part, "15"},
      {"a compressed message", quick + std::string("\1\0\0\0\0", 5), "12"},
      {"the method ends the call", quick + end + quick, "8"},
      {"the client ends the call", quick, "0"},
  };
  ServerFixture server(methods(100));
  FramePeer peer(server.port());
  std::uint32_t id = 1;
  for (const Row& row : table) {
    peer.headers(id, call_fields("/test.Echo/Quick"), false);
    peer.data(id, quick);
    (void)peer.next(NGHTTP2_DATA, id);
    peer.data(id, row.wire, true);
    const FramePeer::Response rest = peer.response(id);
    EXPECT_EQ(rest.field("grpc-status"), row.status) << row.says;
    EXPECT_EQ(messages_in(rest.body).size(), row.wire.starts_with(quick) ? 1u : 0u) << row.says;
    id += 2;
  }
}

TEST(Grpc, ADeadlineEndsACallWhoseSinkIsBusy) {
  ServerFixture server(methods());
  FramePeer peer(server.port());
  FieldList fields = call_fields("/test.Echo/Quick");
  fields.emplace_back("grpc-timeout", "30m");
  peer.headers(1, fields, false);
  std::string message;
  append_framed("m", message);
  std::optional<Frame> frame;
  do {
    peer.data(1, message);
    frame = peer.next();
    ASSERT_TRUE(frame.has_value());
  } while (frame->type != NGHTTP2_RST_STREAM);
  EXPECT_EQ(server.drain(30s), Status());
}

TEST(Grpc, CarriesStatusAndMessage) {
  ServerFixture server(methods(1000));
  EXPECT_EQ(server.run(ask(server.address(), "/test.Echo/Fail", "x")).error(),
            not_found("no such thing: 100% sure\n"));
  EXPECT_EQ(server.run(ask(server.address(), "/test.Echo/None", "x")).error().code(),
            Code::kUnimplemented);
  EXPECT_EQ(
      server.run(ask(server.address(), "/test.Echo/Stream", std::string(1001, 'x'))).error().code(),
      Code::kOutOfRange);
  EXPECT_EQ(server.run(ask(server.address(), "/test.Echo/Stream", "hi")).value(), "0:hi");
}

TEST(Grpc, ServesGrpcio) {
  if (std::system("/usr/bin/python3 -c 'import grpc' >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no python3-grpcio here";
  }
  ServerFixture server(methods());
  const std::string command =
      "env -u http_proxy -u https_proxy timeout 100 /usr/bin/python3 " NACELLE_SOURCE_DIR
      "/src/net/testing/grpcio_client.py " +
      std::to_string(server.port()) + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string out;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    out.append(buffer, got);
  }
  ::pclose(pipe);
  EXPECT_EQ(out, "ok\n");
  EXPECT_EQ(server.drain(30s), Status()) << "calls that were cancelled ended";
}

TEST(Grpc, EndsACallAtItsDeadline) {
  ServerFixture server(methods());
  CallOptions options;
  options.timeout = 30ms;
  const auto out = server.run(ask(server.address(), "/test.Echo/Wait", "x", options));
  EXPECT_EQ(out.error().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(server.drain(30s), Status()) << "the method was told";
}

TEST(Grpc, AServerEndsACallWhoseClientForgotIt) {
  ServerFixture server(methods());
  FramePeer peer(server.port());
  peer.headers(1,
               {{":method", "POST"},
                {":scheme", "http"},
                {":authority", "x"},
                {":path", "/test.Echo/Wait"},
                {"content-type", "application/grpc"},
                {"te", "trailers"},
                {"grpc-timeout", "20m"}},
               false);
  EXPECT_TRUE(peer.response(1).reset.has_value());
  EXPECT_EQ(server.drain(30s), Status());
}

TEST(Grpc, RefusesWhatIsNotGrpc) {
  ServerFixture server(methods());
  FramePeer peer(server.port());
  EXPECT_EQ(peer.get(1).field(":status"), "415");
  auto fields = net::testing::request_fields("GET", "/test.Echo/Fail");
  fields.emplace_back("content-type", "application/grpc+proto");
  peer.headers(3, fields);
  EXPECT_EQ(peer.response(3).field(":status"), "405");
  net::testing::RawClient old(server.port());
  old.send(
      "POST /test.Echo/Fail HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\n"
      "Content-Length: 0\r\n\r\n");
  EXPECT_THAT(old.read_response(), ::testing::StartsWith("HTTP/1.1 426"));
}

TEST(Grpc, AnswersHealthChecks) {
  using ::grpc::health::v1::HealthCheckRequest;
  using ::grpc::health::v1::HealthCheckResponse;
  using ::grpc::health::v1::HealthListResponse;
  ServerFixture server(methods());
  const auto check = [&](std::string name) -> Result<int> {
    HealthCheckRequest request;
    request.set_service(name);
    Result<std::string> bytes = server.run(
        ask(server.address(), "/grpc.health.v1.Health/Check", request.SerializeAsString()));
    if (!bytes.ok()) return bytes.error();
    ASSIGN_OR_RETURN(HealthCheckResponse response, parse_message<HealthCheckResponse>(*bytes));
    return static_cast<int>(response.status());
  };
  EXPECT_EQ(check("").value(), 1);
  EXPECT_EQ(check("down").value(), 2);
  EXPECT_EQ(check("other").error().code(), Code::kNotFound);
  Result<std::string> bytes = server.run(ask(server.address(), "/grpc.health.v1.Health/List", ""));
  ASSERT_TRUE(bytes.ok());
  const auto list = parse_message<HealthListResponse>(*bytes);
  EXPECT_EQ(list->statuses().size(), 2u);
  EXPECT_EQ(server.run(ask(server.address(), "/grpc.health.v1.Health/Watch", "")).error().code(),
            Code::kUnimplemented);
  EXPECT_EQ(
      server.run(ask(server.address(), "/grpc.health.v1.Health/Check", "\xff")).error().code(),
      Code::kInvalidArgument);
}

}  // namespace
}  // namespace nacelle::net::grpc
