// Streams of a proxy, as bytes of HTTP/2 to a picker in this process.
#include "epp/picker_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/grpc/typed.h"
#include "net/testing/frame_peer.h"
#include "net/testing/server_fixture.h"
#include "router/testing/router_fixture.h"

namespace nacelle::epp {
namespace {

using ::testing::HasSubstr;

router::flow::FlowControlConfig without_queues() {
  router::flow::FlowControlConfig config;
  config.enabled = false;
  return config;
}

struct Pool {
  Pool() {
    router.publish(std::make_shared<const router::PoolSnapshot>(router::testing::pool_of(2)));
  }

  SteadyClock clock;
  telemetry::Metrics metrics;
  router::Router router{std::move(router::load_router_setup("", "")->schedule)};
  router::objective::ObjectiveStore objectives;
  PickerMetrics picker_metrics{metrics, "pool"};
  router::flow::FlowController flow{without_queues(), [](TimePoint, auto&) {}, clock, nullptr};
  Picker picker{.router = router,
                .flow = flow,
                .objectives = objectives,
                .metrics = picker_metrics,
                .clock = clock,
                .precise = nullptr,
                .options = {}};
};

async::Task<Status> serve(Pool* pool, net::grpc::ServerCall& call) {
  thread_local router::RequestBodyReader reader;
  PickerStream stream(pool->picker, reader, call);
  co_return co_await stream.run();
}

net::http::Handler handler_of(Pool& pool) {
  net::grpc::Server methods;
  methods.add("/Process", [&pool](net::grpc::ServerCall& call) { return serve(&pool, call); });
  return methods.handler();
}

void add(std::string& wire, const ProcessingRequest& message) {
  net::grpc::append_framed(message, wire);
}

void add_headers(std::string& wire, Half half,
                 const std::vector<std::pair<std::string, std::string>>& fields) {
  ProcessingRequest message;
  auto& headers = half == Half::kRequest ? *message.mutable_request_headers()
                                         : *message.mutable_response_headers();
  for (const auto& [name, value] : fields) {
    auto& header = *headers.mutable_headers()->add_headers();
    header.set_key(name);
    header.set_raw_value(value);
  }
  add(wire, message);
}

void add_piece(std::string& wire, Half half, std::string_view piece, bool end) {
  ProcessingRequest message;
  auto& body =
      half == Half::kRequest ? *message.mutable_request_body() : *message.mutable_response_body();
  body.set_body(std::string(piece));
  body.set_end_of_stream(end);
  add(wire, message);
}

// A chat that is asked for model "a" and served by model "b"; its answer has 20 events.
std::string chat(std::string& answer) {
  std::string wire;
  add_headers(wire, Half::kRequest,
              {{":path", "/v1/chat/completions"}, {"x-llm-d-model-name-rewrite", "b"}});
  add_piece(wire, Half::kRequest,
            R"({"model":"a","stream":true,"messages":[{"role":"user","content":"hi"}]})", true);
  add_headers(wire, Half::kResponse, {{":status", "200"}, {"content-type", "text/event-stream"}});
  for (int i = 0; i < 20; ++i) {
    const bool last = i == 19;
    const std::string rest =
        last ? R"("choices":[],"usage":{"prompt_tokens":7,"completion_tokens":19}})"
             : R"("choices":[{"delta":{"content":"x"}}],"usage":null})";
    add_piece(wire, Half::kResponse, R"(data: {"model":"b",)" + rest + "\n\n", false);
    answer += R"(data: {"model":"a",)" + rest + "\n\n";
  }
  add_piece(wire, Half::kResponse, "data: [DONE]\n\n", true);
  answer += "data: [DONE]\n\n";
  return wire;
}

struct Replies {
  std::vector<int> cases;
  std::string destination, request_body, response_body;
};

Replies replies_in(std::string_view wire) {
  net::grpc::MessageReader reader(1 << 20);
  Replies out;
  for (;;) {
    const auto bytes = reader.next(wire);
    if (!bytes.ok() || !bytes->has_value()) return out;
    const auto reply = net::grpc::parse_message<ProcessingResponse>(**bytes);
    if (!reply.ok()) return out;
    if (out.cases.empty() || out.cases.back() != reply->response_case()) {
      out.cases.push_back(reply->response_case());
    }
    for (const auto& set : reply->request_headers().response().header_mutation().set_headers()) {
      if (set.header().key() == kDestinationKey) out.destination = set.header().raw_value();
    }
    out.request_body += reply->request_body().response().body_mutation().streamed_response().body();
    out.response_body +=
        reply->response_body().response().body_mutation().streamed_response().body();
  }
}

TEST(PickerStream, AnswersTheSameHoweverTheMessagesComeInPieces) {
  std::string answer;
  const std::string wire = chat(answer);
  Pool pool;
  net::testing::ServerFixture server(handler_of(pool));
  net::testing::FramePeer peer(server.port());
  std::uint32_t id = 1;
  int streams = 0;
  for (const std::size_t step : {1u, 2u, 5u, 6u, 17u, 100u, 1000u, 16'000u}) {
    net::testing::FieldList fields = net::testing::request_fields("POST", "/Process");
    fields.emplace_back("content-type", "application/grpc");
    peer.headers(id, fields, false);
    for (std::size_t at = 0; at < wire.size(); at += step) {
      peer.data(id, std::string_view(wire).substr(at, step), at + step >= wire.size());
    }
    const auto response = peer.response(id);
    ASSERT_TRUE(response.complete);
    const Replies replies = replies_in(response.body);
    using Reply = ProcessingResponse;
    EXPECT_EQ(replies.cases, (std::vector<int>{Reply::kRequestHeaders, Reply::kRequestBody,
                                               Reply::kResponseHeaders, Reply::kResponseBody}));
    EXPECT_THAT(replies.destination, HasSubstr(":8000"));
    EXPECT_THAT(replies.request_body, HasSubstr(R"("model":"b")"));
    EXPECT_TRUE(replies.response_body == answer) << "in steps of " << step;
    id += 2;
    ++streams;
  }
  const std::string text = pool.metrics.serialize();
  EXPECT_THAT(text, HasSubstr("llm_d_epp_request_output_tokens_sum{model_name=\"a\","));
  EXPECT_THAT(text, HasSubstr("} " + std::to_string(19 * streams) + "\n"));
  EXPECT_EQ(pool.router.load_of(router::EndpointId{0}).requests, 0u);
}

// The proxy leaves in the middle of an answer.
TEST(PickerStream, AStreamThatBreaksOffGivesItsLoadBack) {
  std::string answer;
  const std::string wire = chat(answer);
  Pool pool;
  net::testing::ServerFixture server(handler_of(pool));
  {
    net::testing::FramePeer peer(server.port());
    net::testing::FieldList fields = net::testing::request_fields("POST", "/Process");
    fields.emplace_back("content-type", "application/grpc");
    peer.headers(1, fields, false);
    peer.data(1, std::string_view(wire).substr(0, wire.size() / 2));
    EXPECT_TRUE(peer.next(NGHTTP2_DATA, 1).has_value());
  }
  EXPECT_EQ(server.drain(30s), Status());
  EXPECT_EQ(pool.router.load_of(router::EndpointId{0}).requests +
                pool.router.load_of(router::EndpointId{1}).requests,
            0u);
}

}  // namespace
}  // namespace nacelle::epp
