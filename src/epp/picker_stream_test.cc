// Streams of a proxy, as bytes of HTTP/2 to a picker in this process.
#include "epp/picker_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "epp/testing/stream_pool.h"
#include "net/testing/frame_peer.h"
#include "net/testing/server_fixture.h"

namespace nacelle::epp {
namespace {

using ::testing::HasSubstr;

using testing::chat;
using testing::handler_of;
using Pool = testing::StreamPool;

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
