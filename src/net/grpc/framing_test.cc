#include "net/grpc/framing.h"

#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/grpc/status.h"

namespace nacelle::net::grpc {
namespace {

std::string framed(std::string_view message) {
  std::string out;
  append_framed(message, out);
  return out;
}

// All messages of a stream that arrives in the given pieces.
Result<std::vector<std::string>> read_all(const std::vector<std::string>& pieces,
                                          std::size_t limit) {
  MessageReader reader(limit);
  std::vector<std::string> out;
  for (const std::string& piece : pieces) {
    std::string_view input = piece;
    for (;;) {
      auto message = reader.next(input);
      if (!message.ok()) return message.error();
      if (!message->has_value()) break;
      out.emplace_back(**message);
    }
    EXPECT_TRUE(input.empty());
  }
  const Status ended = reader.finish();
  if (!ended.ok()) return ended;
  return out;
}

TEST(GrpcFraming, AnySplitGivesTheSameMessages) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> messages;
    std::string wire;
    for (std::size_t i = random() % 6; i > 0; --i) {
      messages.emplace_back(random() % 3 == 0 ? 0 : random() % 40, static_cast<char>('a' + i));
      wire += framed(messages.back());
    }
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t size = 1 + random() % 9;
      pieces.push_back(wire.substr(at, size));
      at += size;
    }
    const auto got = read_all(pieces, 100);
    ASSERT_TRUE(got.ok()) << got.error().to_string();
    EXPECT_EQ(*got, messages) << "round " << round;
  }
}

TEST(GrpcFraming, AMessageThatWasPutBackComesOnceMore) {
  const std::string wire = framed("first") + framed("") + framed("third");
  for (std::size_t split = 0; split <= wire.size(); ++split) {
    MessageReader reader(100);
    std::vector<std::string> got;
    for (std::string piece : {wire.substr(0, split), wire.substr(split)}) {
      std::string_view input = piece;
      for (;;) {
        auto message = reader.next(input);
        ASSERT_TRUE(message.ok());
        if (!message->has_value()) break;
        reader.put_back(**message);
        if (input.empty()) piece.assign(piece.size(), '?');  // the memory it lay in goes
        EXPECT_EQ(reader.finish(), Status());
        auto again = reader.next(input);
        ASSERT_TRUE(again.ok() && again->has_value());
        got.emplace_back(**again);
      }
    }
    EXPECT_EQ(got, (std::vector<std::string>{"first", "", "third"})) << "split at " << split;
  }
}

TEST(GrpcFraming, AnErrorStays) {
  MessageReader reader(4);
  const std::string wire = framed("12345");
  std::string_view input = wire;
  EXPECT_EQ(reader.next(input).error().code(), Code::kOutOfRange);
  std::string_view nothing;
  EXPECT_EQ(reader.next(nothing).error().code(), Code::kOutOfRange);
}

TEST(GrpcFraming, RefusesWhatItCannotRead) {
  EXPECT_EQ(read_all({framed("12345")}, 4).error().code(), Code::kOutOfRange);
  EXPECT_EQ(read_all({framed("12345")}, 5).status(), Status());
  EXPECT_EQ(read_all({std::string("\1\0\0\0\0", 5)}, 5).error().code(), Code::kUnimplemented);
  EXPECT_EQ(read_all({std::string("\2\0\0\0\0", 5)}, 5).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(read_all({"\0"}, 5).status(), Status()) << "an empty piece";
  EXPECT_EQ(read_all({std::string("\0\0", 2)}, 5).error().code(), Code::kDataLoss);
  EXPECT_EQ(read_all({framed("abc").substr(0, 7)}, 5).error().code(), Code::kDataLoss);
}

TEST(GrpcStatus, MessagesSurviveTheirEncoding) {
  EXPECT_EQ(percent_encode("plain text"), "plain text");
  EXPECT_EQ(percent_encode("50% \n\xc3\xbc"), "50%25 %0A%C3%BC");
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (std::size_t n = random() % 30; n > 0; --n) text += static_cast<char>(random());
    EXPECT_EQ(percent_decode(percent_encode(text)), text);
  }
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

TEST(GrpcStatus, CodesTravelAndComeBack) {
  for (const Code code :
       {Code::kOk, Code::kCancelled, Code::kInvalidArgument, Code::kOutOfRange, Code::kNotFound,
        Code::kAlreadyExists, Code::kFailedPrecondition, Code::kResourceExhausted,
        Code::kUnavailable, Code::kDeadlineExceeded, Code::kUnauthenticated,
        Code::kPermissionDenied, Code::kUnimplemented, Code::kDataLoss, Code::kInternal}) {
    EXPECT_EQ(from_grpc(static_cast<int>(to_grpc(code))), code);
  }
  EXPECT_EQ(from_grpc(2), Code::kInternal);
  EXPECT_EQ(from_grpc(99), Code::kInternal);
  http::Headers trailers;
  add_status(trailers, not_found("no ü"));
  EXPECT_EQ(trailers.get("grpc-status"), "5");
  EXPECT_EQ(read_status(trailers, {}, 200), not_found("no ü"));
  EXPECT_EQ(read_status({}, {{"grpc-status", "0"}}, 200), Status());
  EXPECT_EQ(read_status({}, {}, 503).code(), Code::kUnavailable);
  EXPECT_EQ(read_status({}, {{"grpc-status", "x"}}, 200).code(), Code::kInternal);
}

TEST(GrpcStatus, ReadsTimeouts) {
  EXPECT_EQ(parse_timeout("1S"), Duration(1s));
  EXPECT_EQ(parse_timeout("250m"), Duration(250ms));
  EXPECT_EQ(parse_timeout("2M"), Duration(120s));
  EXPECT_EQ(parse_timeout("99999999n"), Duration(std::chrono::nanoseconds(99999999)));
  EXPECT_TRUE(parse_timeout("99999999H").has_value());
  for (const char* bad : {"", "S", "1", "1s", "-1S", "123456789S", "1 S", "0x1S"}) {
    EXPECT_FALSE(parse_timeout(bad).has_value()) << bad;
  }
  EXPECT_EQ(format_timeout(1500ms), "1500m");
  EXPECT_EQ(format_timeout(std::chrono::hours(100)), "360001S");
}

}  // namespace
}  // namespace nacelle::net::grpc
