// The bytes are compared with protobuf's own.
#include "epp/body_wire.h"

#include <gtest/gtest.h>

#include <random>

#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "net/grpc/typed.h"

namespace nacelle::epp {
namespace {

using envoy::service::ext_proc::v3::ProcessingRequest;
using envoy::service::ext_proc::v3::ProcessingResponse;

TEST(BodyWire, RepliesAreProtobufsBytes) {
  for (const std::size_t size : {0u, 1u, 100u, 110u, 120u, 127u, 128u, 16'370u, 16'384u, 62'000u}) {
    for (const bool end : {false, true}) {
      for (const Half half : {Half::kRequest, Half::kResponse}) {
        const std::string piece(size, 'x');
        ProcessingResponse reply;
        auto& body =
            half == Half::kRequest ? *reply.mutable_request_body() : *reply.mutable_response_body();
        auto& streamed =
            *body.mutable_response()->mutable_body_mutation()->mutable_streamed_response();
        streamed.set_body(piece);
        streamed.set_end_of_stream(end);
        std::string framed = "before";
        append_body_reply(half, piece, end, framed);
        std::string expected = "before";
        net::grpc::append_framed(reply, expected);
        EXPECT_TRUE(framed == expected) << size << (end ? " at the end" : "");
      }
    }
  }
}

TEST(BodyWire, ReadsPiecesAsProtobufDoes) {
  ProcessingRequest message;
  message.mutable_response_body()->set_body("data: x\n\n");
  std::string bytes = message.SerializeAsString();  // a piece's body lies in it
  auto piece = response_body_in(bytes);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->body, "data: x\n\n");
  EXPECT_FALSE(piece->end_of_stream);
  // What Envoy sends beside it.
  message.mutable_response_body()->set_end_of_stream(true);
  (*message.mutable_metadata_context()->mutable_filter_metadata())["envoy.lb"];
  (*message.mutable_attributes())["a"];
  message.set_observability_mode(true);
  bytes = message.SerializeAsString();
  piece = response_body_in(bytes);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->body, "data: x\n\n");
  EXPECT_TRUE(piece->end_of_stream);
  message.mutable_response_body()->clear_body();
  bytes = message.SerializeAsString();
  EXPECT_EQ(response_body_in(bytes)->body, "");
}

TEST(BodyWire, LeavesTheRestToProtobuf) {
  ProcessingRequest message;
  EXPECT_FALSE(response_body_in(message.SerializeAsString()));
  message.mutable_request_body()->set_body("x");
  EXPECT_FALSE(response_body_in(message.SerializeAsString()));
  message.mutable_response_headers();
  EXPECT_FALSE(response_body_in(message.SerializeAsString()));
  // Two of a oneof: the last counts, which is protobuf's affair.
  message.mutable_response_body()->set_body("x");
  const std::string one = message.SerializeAsString();
  EXPECT_TRUE(response_body_in(one));
  EXPECT_FALSE(response_body_in(one + one));
  message.mutable_response_trailers();
  EXPECT_FALSE(response_body_in(one + message.SerializeAsString()));
}

// Whatever the bytes: what is read here, protobuf reads, too.
TEST(BodyWire, AgreesWithProtobufOnDamagedMessages) {
  const unsigned seed = 20261130;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  ProcessingRequest message;
  message.mutable_response_body()->set_body(std::string(200, 'y'));
  message.mutable_response_body()->set_end_of_stream(true);
  (*message.mutable_attributes())["a"];
  const std::string whole = message.SerializeAsString();
  int agreed = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole.substr(0, random() % 8 == 0 ? random() % whole.size() : whole.size());
    for (unsigned n = random() % 3; n > 0 && !bytes.empty(); --n) {
      bytes[random() % std::min<std::size_t>(bytes.size(), 12)] = static_cast<char>(random());
    }
    const auto piece = response_body_in(bytes);
    if (!piece) continue;
    ProcessingRequest parsed;
    if (!parsed.ParseFromString(bytes)) continue;  // stricter about what is skipped here
    ASSERT_TRUE(parsed.has_response_body());
    EXPECT_EQ(piece->body, parsed.response_body().body());
    EXPECT_EQ(piece->end_of_stream, parsed.response_body().end_of_stream());
    ++agreed;
  }
  EXPECT_GT(agreed, 1000);
}

}  // namespace
}  // namespace nacelle::epp
