// packed_cache_fuzz.cc: any bytes as the header of a file of packed weights end in matrices that
// lie inside the file, or in a Status.
//
// Mutations never agree with the checksum, so the bytes are also parsed as the part behind it, with
// a right beginning in front.

// links: model kernels tensor base
#include <xxhash.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

#include "model/packed_cache_format.h"

namespace {

using nacelle::model::PackedCacheHeader;

constexpr std::size_t kBodyAt = 24;

void check(std::span<const std::byte> bytes, std::uint64_t file_bytes) {
  const auto header = PackedCacheHeader::parse(bytes, file_bytes);
  if (!header.ok()) {
    if (header.error().message().empty()) std::abort();
    return;
  }
  std::uint64_t end = 0;
  for (const PackedCacheHeader::Matrix& matrix : header->matrices) {
    if (matrix.offset < end || matrix.offset > file_bytes ||
        matrix.size_bytes > file_bytes - matrix.offset) {
      std::abort();
    }
    end = matrix.offset + matrix.size_bytes;
  }
  // What was read can be written, and is the same again.
  const std::string again = header->encode();
  const auto parsed = PackedCacheHeader::parse(std::as_bytes(std::span(again)), file_bytes);
  if (!parsed.ok() || *parsed != *header) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check({reinterpret_cast<const std::byte*>(data), size}, size);

  std::string file = PackedCacheHeader().encode().substr(0, kBodyAt);
  file.append(reinterpret_cast<const char*>(data), size);
  const auto header_bytes = static_cast<std::uint32_t>(file.size());
  const std::uint64_t checksum = XXH3_64bits(data, size);
  std::memcpy(file.data() + 12, &header_bytes, sizeof header_bytes);
  std::memcpy(file.data() + 16, &checksum, sizeof checksum);
  std::uint64_t claimed = 0;  // the size that the body claims, which may be a good one
  if (size >= sizeof claimed) std::memcpy(&claimed, data, sizeof claimed);
  check(std::as_bytes(std::span(file)), claimed);
  return 0;
}
