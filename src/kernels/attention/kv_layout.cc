#include "kernels/attention/kv_layout.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kMaxHeadDim = 512;
constexpr std::size_t kMaxBlockSize = 4096;

constexpr std::size_t round_up16(std::size_t value) { return (value + 15) / 16 * 16; }

}  // namespace

Status KvLayout::validate() const {
  if (num_blocks == 0 || num_kv_heads == 0) {
    return invalid_argument("KV memory needs blocks and heads, got {} and {}", num_blocks,
                            num_kv_heads);
  }
  if (head_dim == 0 || head_dim > kMaxHeadDim) {
    return invalid_argument("head_dim must be 1 to {}, got {}", kMaxHeadDim, head_dim);
  }
  if (block_size == 0 || block_size > kMaxBlockSize) {
    return invalid_argument("block_size must be 1 to {}, got {}", kMaxBlockSize, block_size);
  }
  if (dtype != DType::kBF16 && dtype != DType::kF16 && dtype != DType::kF32 &&
      dtype != DType::kF8E4M3 && dtype != DType::kI8) {
    return invalid_argument("KV dtype {} is not one of bfloat16, float16, float32, {}, {}",
                            to_string(dtype), to_string(DType::kF8E4M3), to_string(DType::kI8));
  }
  return {};
}

Format KvLayout::format() const {
  if (dtype == DType::kF8E4M3) return Format::kF8E4M3;
  return dtype == DType::kI8 ? Format::kI8 : format_of(dtype);
}

std::size_t KvLayout::pair() const { return dtype == DType::kF32 ? 1 : 2; }
std::size_t KvLayout::padded_dim() const { return round_up16(head_dim); }
std::size_t KvLayout::padded_slots() const { return round_up16(block_size); }

std::size_t KvLayout::bytes_per_block() const { return num_kv_heads * head_bytes(); }
std::size_t KvLayout::bytes() const { return num_blocks * bytes_per_block(); }

std::size_t KvLayout::k_offset(std::uint32_t block, std::uint32_t head) const {
  return block * bytes_per_block() + head * head_bytes();
}

std::size_t KvLayout::v_offset(std::uint32_t block, std::uint32_t head) const {
  return k_offset(block, head) + half_bytes();
}

std::size_t KvLayout::scales_offset(std::uint32_t block, std::uint32_t head) const {
  return k_offset(block, head) + 2 * half_bytes();
}

std::size_t KvLayout::half_bytes() const { return padded_dim() * padded_slots() * size_of(dtype); }

std::size_t KvLayout::head_bytes() const {
  const std::size_t scales = dtype == DType::kI8 ? 2 * padded_slots() * sizeof(float) : 0;
  return 2 * half_bytes() + scales;
}

std::size_t KvLayout::k_element(std::uint32_t slot, std::uint32_t dim) const {
  return (dim / pair() * padded_slots() + slot) * pair() + dim % pair();
}

std::size_t KvLayout::v_element(std::uint32_t slot, std::uint32_t dim) const {
  return (slot / pair() * padded_dim() + dim) * pair() + slot % pair();
}

}  // namespace nacelle::kernels
