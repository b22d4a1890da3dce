#include "block_hash/block_hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <iterator>

#include <fmt/format.h>

#include "base/check.h"

namespace nacelle::block_hash {

std::uint64_t BlockHash::low64() const {
  std::uint64_t value = 0;
  for (int i = size - 8; i < size; ++i) value = value << 8 | bytes[static_cast<std::size_t>(i)];
  return value;
}

std::string BlockHash::to_hex() const {
  std::string hex;
  for (const std::uint8_t byte : digest()) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
  return hex;
}

// Looking the algorithm up costs more than hashing a block, so it is done once.
struct BlockHasher::Digest {
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  Digest() { CHECK(sha256 != nullptr && context != nullptr); }
  Digest(const Digest&) = delete;
  ~Digest() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
  }
};

BlockHasher::BlockHasher(HashAlgorithm algorithm, const BlockHash& root)
    : algorithm_(algorithm), root_(root), digest_(std::make_unique<Digest>()) {}

BlockHasher::BlockHasher(HashAlgorithm algorithm, std::string_view seed)
    : algorithm_(algorithm), digest_(std::make_unique<Digest>()) {
  is_cbor() ? encode_cbor_text(seed, buffer_) : encode_pickle_text(seed, buffer_);
  root_ = digest_of_buffer();
}

BlockHasher::BlockHasher(BlockHasher&&) noexcept = default;
BlockHasher& BlockHasher::operator=(BlockHasher&&) noexcept = default;
BlockHasher::~BlockHasher() = default;

bool BlockHasher::is_cbor() const {
  return algorithm_ == HashAlgorithm::kSha256Cbor || algorithm_ == HashAlgorithm::kXxhashCbor;
}

BlockHash BlockHasher::hash(const BlockHash& parent, std::span<const TokenId> tokens,
                            const ExtraKeys& extra) {
  if (is_cbor()) {
    encode_cbor(parent.digest(), tokens, extra, buffer_);
  } else {
    encode_pickle(parent.digest(), tokens, extra, buffer_);
  }
  return digest_of_buffer();
}

BlockHash BlockHasher::digest_of_buffer() {
  BlockHash hash;
  if (algorithm_ == HashAlgorithm::kXxhash || algorithm_ == HashAlgorithm::kXxhashCbor) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(buffer_.data(), buffer_.size()));
    std::memcpy(hash.bytes.data(), canonical.digest, sizeof canonical.digest);
    hash.size = sizeof canonical.digest;
    return hash;
  }
  CHECK(EVP_DigestInit_ex2(digest_->context, digest_->sha256, nullptr) == 1 &&
        EVP_DigestUpdate(digest_->context, buffer_.data(), buffer_.size()) == 1 &&
        EVP_DigestFinal_ex(digest_->context, hash.bytes.data(), nullptr) == 1);
  hash.size = 32;
  return hash;
}

}  // namespace nacelle::block_hash
