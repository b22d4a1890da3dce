#include "model/packed_cache_format.h"

#include <gtest/gtest.h>

#include <cstring>

namespace nacelle::model {
namespace {

using kernels::Isa;
using kernels::Stacking;
using kernels::WeightFormat;

PackedCacheHeader sample() {
  PackedCacheHeader header;
  header.recipe = 0x1234;
  header.content = {7, 9};
  header.sources = {{"a.safetensors", {100, 3, -4, 5}}, {"b.safetensors", {}}};
  header.matrices = {
      {"q+k+v", {.n = 96, .k = 64, .isa = Isa::kAvx2}, 0, 12288},
      {"gate+up",
       {.n = 4096,
        .k = 1024,
        .dtype = DType::kF16,
        .format = WeightFormat::kInt4,
        .stacking = Stacking::kAlternatingPanels,
        .isa = Isa::kAmx,
        .group_size = 128,
        .has_zeros = true},
       0,
       std::uint64_t{5} << 20},
      {"down", {.n = 1, .k = 1, .dtype = DType::kF32, .format = WeightFormat::kF32}, 0, 64},
  };
  header.place_matrices();
  return header;
}

Result<PackedCacheHeader> parse(const std::string& bytes, std::uint64_t file_bytes) {
  return PackedCacheHeader::parse(std::as_bytes(std::span(bytes)), file_bytes);
}

TEST(PackedCacheFormat, ComesBackAsItWent) {
  const PackedCacheHeader header = sample();
  const auto parsed = parse(header.encode(), header.file_bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
  EXPECT_EQ(*parsed, header);
  EXPECT_EQ(*parse(header.encode() + "data", header.file_bytes), header);
}

TEST(PackedCacheFormat, LargeMatricesStartAtHugePages) {
  const PackedCacheHeader header = sample();
  EXPECT_EQ(header.matrices[0].offset, PackedCacheHeader::kHugeAlignment);
  EXPECT_EQ(header.matrices[1].offset, 2 * PackedCacheHeader::kHugeAlignment);
  EXPECT_EQ(header.matrices[2].offset, header.matrices[1].offset + (5u << 20));
  EXPECT_EQ(header.file_bytes, header.matrices[2].offset + 4096);
}

TEST(PackedCacheFormat, EveryFlippedBitIsSeen) {
  const PackedCacheHeader header = sample();
  const std::string good = header.encode();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto parsed = parse(bytes, header.file_bytes);
    ASSERT_FALSE(parsed.ok()) << "bit " << bit;
    EXPECT_EQ(parsed.error().code(), Code::kDataLoss);
  }
}

TEST(PackedCacheFormat, EveryCutIsSeen) {
  const PackedCacheHeader header = sample();
  const std::string good = header.encode();
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(parse(good.substr(0, size), header.file_bytes).ok()) << size << " bytes";
  }
  EXPECT_FALSE(parse(good, header.file_bytes - 1).ok());  // the file was cut
  EXPECT_FALSE(parse(good, header.file_bytes + 1).ok());
}

// Headers with a right checksum that lie, as a writer with a fault would make them.
TEST(PackedCacheFormat, LiesAreSeen) {
  const auto refused = [](PackedCacheHeader header, std::string_view word) {
    const auto parsed = parse(header.encode(), header.file_bytes);
    ASSERT_FALSE(parsed.ok()) << word;
    EXPECT_EQ(parsed.error().code(), Code::kDataLoss);
    EXPECT_NE(parsed.error().message().find(word), std::string::npos) << parsed.error().message();
  };
  PackedCacheHeader header = sample();
  header.matrices[1].name = "q+k+v";
  refused(header, "twice");
  header = sample();
  header.matrices[1].offset = header.matrices[0].offset;
  refused(header, "overlaps");
  header = sample();
  header.matrices[0].offset = 0;  // in the header
  refused(header, "overlaps");
  header = sample();
  header.matrices[2].size_bytes = ~std::uint64_t{0};
  refused(header, "leaves");
  header = sample();
  header.matrices[2].offset += 64;
  refused(header, "matrix down");
  header = sample();
  header.matrices[0].description.format = static_cast<WeightFormat>(77);
  refused(header, "kind");
  header = sample();
  header.matrices[0].description.dtype = DType::kI64;
  refused(header, "kind");
}

TEST(PackedCacheFormat, TheOtherByteOrderIsNamed) {
  const PackedCacheHeader header = sample();
  std::string bytes = header.encode();
  std::swap(bytes[8], bytes[11]);
  std::swap(bytes[9], bytes[10]);
  const auto parsed = parse(bytes, header.file_bytes);
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message().find("byte order"), std::string::npos);
}

}  // namespace
}  // namespace nacelle::model
