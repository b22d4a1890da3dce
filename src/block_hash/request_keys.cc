#include "block_hash/request_keys.h"

#include <xxhash.h>

#include "block_hash/cbor_write.h"

namespace nacelle::block_hash {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint64_t fnv1a(std::span<const std::uint8_t> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void put_little_endian(Bytes& out, std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_sized(Bytes& out, std::string_view text) {
  put_little_endian(out, text.size(), 8);
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

RequestKeyHasher::RequestKeyHasher(RequestKeyAlgorithm algorithm, std::string_view seed)
    : algorithm_(algorithm),
      start_(algorithm == RequestKeyAlgorithm::kCborFnv ? fnv1a(as_bytes(seed))
                                                        : XXH64(seed.data(), seed.size(), 0)) {}

std::uint64_t RequestKeyHasher::root(std::string_view model) {
  buffer_.clear();
  if (algorithm_ == RequestKeyAlgorithm::kXxh64) {
    put_little_endian(buffer_, start_, 8);
    put_sized(buffer_, model);
    return XXH64(buffer_.data(), buffer_.size(), 0);
  }
  cbor_head(buffer_, CborMajor::kArray, 3);
  cbor_head(buffer_, CborMajor::kUnsigned, start_);
  buffer_.push_back(kCborNull);
  cbor_text(buffer_, model);
  return fnv1a(buffer_);
}

std::uint64_t RequestKeyHasher::hash(std::uint64_t parent, std::span<const TokenId> tokens,
                                     const ExtraKeys& extra) {
  buffer_.clear();
  if (algorithm_ == RequestKeyAlgorithm::kXxh64) {
    put_little_endian(buffer_, parent, 8);
    for (const TokenId token : tokens) {
      put_little_endian(buffer_, static_cast<std::uint32_t>(token), 4);
    }
    for (const std::string& key : extra) put_sized(buffer_, key);
    return XXH64(buffer_.data(), buffer_.size(), 0);
  }
  cbor_head(buffer_, CborMajor::kArray, 3);
  cbor_head(buffer_, CborMajor::kUnsigned, parent);
  cbor_head(buffer_, CborMajor::kArray, tokens.size());
  // Unsigned on the wire, so an id below zero (there is none) wraps as it does in Go.
  for (const TokenId token : tokens) {
    cbor_head(buffer_, CborMajor::kUnsigned, static_cast<std::uint32_t>(token));
  }
  if (extra.empty()) {
    buffer_.push_back(kCborNull);
    return fnv1a(buffer_);
  }
  cbor_head(buffer_, CborMajor::kArray, extra.size());
  for (const std::string& key : extra) {
    cbor_head(buffer_, CborMajor::kMap, 1);
    cbor_text(buffer_, "Hash");
    cbor_text(buffer_, key);
  }
  return fnv1a(buffer_);
}

}  // namespace nacelle::block_hash
