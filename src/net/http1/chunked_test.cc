#include "net/http1/chunked.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/testing/http1_rows.h"

namespace nacelle::net::http1 {
namespace {

struct Decoded {
  std::string data;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
};

// Feeds the input in pieces that end at `cuts` (ascending) and at the end.
Decoded decode(std::string_view input, const std::vector<std::size_t>& cuts = {}) {
  ChunkedDecoder decoder;
  Decoded out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size() && !out.done && !out.failed; ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : input.size();
    std::string_view piece = input.substr(begin, end - begin);
    begin = end;
    for (;;) {
      const auto step = decoder.next(piece);
      piece.remove_prefix(step.consumed);
      out.consumed += step.consumed;
      out.data.append(step.data);
      if (step.state == ChunkedDecoder::State::kData) continue;
      out.done = step.state == ChunkedDecoder::State::kDone;
      out.failed = step.state == ChunkedDecoder::State::kError;
      break;
    }
  }
  return out;
}

TEST(ChunkedDecoder, AcceptsAndRefuses) {
  using testing::ChunkedRow;
  for (const ChunkedRow& row : testing::chunked_rows()) {
    SCOPED_TRACE(row.name);
    const Decoded out = decode(row.text);
    EXPECT_EQ(out.done, row.end == ChunkedRow::kDone);
    EXPECT_EQ(out.failed, row.end == ChunkedRow::kError);
    EXPECT_EQ(out.data, row.data);
  }
}

TEST(ChunkedDecoder, LeavesTheNextMessageAlone) {
  const std::string text = "3\r\nabc\r\n0\r\n\r\n";
  const Decoded out = decode(text + "GET / HTTP/1.1");
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.consumed, text.size());
}

// The model: encode random data in random chunks, cut the bytes anywhere, and compare.
TEST(ChunkedDecoder, RandomChunksAndCutsDecodeToTheData) {
  const unsigned seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string data, wire;
    for (unsigned chunks = random() % 6; chunks > 0; --chunks) {
      std::string piece(1 + random() % 40, '\0');
      for (char& c : piece) c = static_cast<char>(random());
      wire.append(ChunkPrefix(piece.size()).view()).append(piece).append(kChunkSuffix);
      data += piece;
    }
    wire += kLastChunk;
    std::vector<std::size_t> cuts;
    for (unsigned n = random() % 8; n > 0; --n) cuts.push_back(random() % (wire.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    const Decoded out = decode(wire, cuts);
    ASSERT_TRUE(out.done) << "round " << round;
    ASSERT_EQ(out.data, data) << "round " << round;
    ASSERT_EQ(out.consumed, wire.size());
  }
}

TEST(ChunkedDecoder, EverySplitPositionGivesTheSame) {
  for (const std::string& text :
       {std::string("3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n"),
        std::string("3\r\nabcX\r\n"), std::string("fffffffffffffffff\r\n")}) {
    const Decoded whole = decode(text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const Decoded split = decode(text, {cut});
      EXPECT_EQ(split.data, whole.data) << cut;
      EXPECT_EQ(split.done, whole.done) << cut;
      EXPECT_EQ(split.failed, whole.failed) << cut;
      EXPECT_EQ(split.consumed, whole.consumed) << cut;
    }
  }
}

TEST(ChunkPrefix, WritesHexadecimal) {
  EXPECT_EQ(ChunkPrefix(1).view(), "1\r\n");
  EXPECT_EQ(ChunkPrefix(26).view(), "1a\r\n");
  EXPECT_EQ(ChunkPrefix(std::size_t{0xfedcba9876543210}).view(), "fedcba9876543210\r\n");
}

}  // namespace
}  // namespace nacelle::net::http1
