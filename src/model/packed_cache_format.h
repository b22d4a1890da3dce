// packed_cache_format.h: the header of a file of packed weights. Pure: bytes in, values out.
//
//   u8[8] "NACPACK1" | u32 byte order | u32 header bytes | u64 checksum of all that follows |
//   u64 file bytes | u64 recipe | u64[2] content | u32 sources | u32 matrices |
//   per source:  text name | u64 size | u64 inode | i64 modified | i64 changed
//   per matrix:  text name | u64 n | u64 k | u64 group size | u64 offset | u64 bytes |
//                u8 dtype | u8 format | u8 stacking | u8 isa | u8 has zeros
//   data: every matrix at its offset
//
// Numbers are in the byte order of the machine that wrote the file, as the packed weights are; the
// second field tells a file of the other order. text: u32 length, then the bytes.
//
// Errors:  data_loss for anything that is not a whole header of this version whose matrices lie
//          inside the file, aligned and without overlap. Nothing is believed before its check.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "kernels/gemm/gemm.h"

namespace nacelle::model {

// 128 bits over the bytes of all files of a checkpoint.
using ContentHash = std::array<std::uint64_t, 2>;

struct PackedCacheHeader {
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  static constexpr std::size_t kAlignment = 4096;  // of a matrix: a page
  // Large matrices and the data start here, so that huge pages of the page cache can be mapped.
  static constexpr std::size_t kHugeAlignment = std::size_t{2} << 20;

  struct Source {
    std::string name;
    FileIdentity identity;  // all zero: not to be trusted, compare the content
    friend bool operator==(const Source&, const Source&) = default;
  };
  struct Matrix {
    std::string name;
    kernels::PackedMatrix::Description description;
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
    friend bool operator==(const Matrix&, const Matrix&) = default;
  };

  std::uint64_t file_bytes = 0;
  std::uint64_t recipe = 0;  // everything but the content that decides the packed bytes
  ContentHash content{};
  std::vector<Source> sources;
  std::vector<Matrix> matrices;  // ascending offsets, different names
  friend bool operator==(const PackedCacheHeader&, const PackedCacheHeader&) = default;

  // Gives every matrix its offset, and the file its size.
  void place_matrices();

  [[nodiscard]] std::string encode() const;
  // `file`: the beginning of the file or more; `file_bytes`: its real size.
  [[nodiscard]] static Result<PackedCacheHeader> parse(std::span<const std::byte> file,
                                                       std::uint64_t file_bytes);
};

}  // namespace nacelle::model
