#include "provider/aws/event_stream.h"

#include <gtest/gtest.h>

namespace nacelle::provider::aws {
namespace {

TEST(EventStream, CrcOfTheStandard) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

TEST(EventStream, RoundTripInEverySplit) {
  const std::string bytes =
      encode_message({{":event-type", "a"}, {":message-type", "event"}}, "{}") +
      encode_message({}, "") + encode_message({{"x", ""}}, "payload");
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    EventStreamDecoder decoder(1 << 20);
    std::string seen;
    for (const std::string_view piece :
         {std::string_view(bytes).substr(0, at), std::string_view(bytes).substr(at)}) {
      decoder.feed(piece);
      while (const auto message = decoder.next()) {
        seen +=
            std::string(message->header(":event-type")) + "<" + std::string(message->payload) + ">";
      }
    }
    ASSERT_TRUE(decoder.status().ok());
    ASSERT_TRUE(decoder.at_boundary());
    ASSERT_EQ(seen, "a<{}><><payload>") << "split at " << at;
  }
}

// Whatever single byte a line flips, the message is not delivered.
TEST(EventStream, EveryFlippedByteIsFound) {
  const std::string good = encode_message({{":event-type", "a"}}, "payload");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    EventStreamDecoder decoder(1 << 20);
    decoder.feed(bad);
    EXPECT_FALSE(decoder.next().has_value()) << "byte " << at;
    EXPECT_FALSE(decoder.status().ok()) << "byte " << at;
  }
}

TEST(EventStream, BoundsAreChecked) {
  EventStreamDecoder decoder(32);
  decoder.feed(encode_message({}, std::string(64, 'x')));
  EXPECT_FALSE(decoder.next().has_value());
  EXPECT_EQ(decoder.status().code(), Code::kOutOfRange);
}

}  // namespace
}  // namespace nacelle::provider::aws
