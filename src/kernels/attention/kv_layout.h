// kv_layout.h: where a token's K and V lie in the paged memory of one layer.
//
// A layer's memory is num_blocks blocks, one after the other. A block holds block_size token slots
// of every KV head:
//
//   block b, head h:   K  [padded_dim / pair][padded_slots][pair]
//                      V  [padded_slots / pair][padded_dim][pair]
//                      int8 only: K scales [padded_slots], V scales [padded_slots], f32
//
// pair is 2 for the 16-bit and 8-bit dtypes and 1 for f32. K has its slots side by side, so one
// vector load takes 16 positions of a dimension (or of two, which is the operand of vdpbf16ps and
// of AMX's TDPBF16PS); V has its dimensions side by side for the same reason. padded_dim and
// padded_slots are multiples of 16; block sizes and head sizes that are multiples of 16 waste
// nothing.
//
// 8-bit values are what one byte times a scale gives: e4m3 has a scale per layer (KvScales, from
// the checkpoint), int8 one per token and KV head, kept in the block.
//
// Invariant: the memory starts as zero bytes and only store_kv() writes it, so padding stays zero.
// A whole block is one contiguous range: that is the unit of KV transfer and offload.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "kernels/format.h"
#include "tensor/dtype.h"

namespace nacelle::kernels {

// What stored e4m3 values are multiplied by, per layer: stored = x / scale.
struct KvScales {
  float k = 1.0F;
  float v = 1.0F;
};

struct KvLayout {
  std::uint32_t num_blocks = 0;
  std::uint32_t block_size = 16;  // token slots per block
  std::uint32_t num_kv_heads = 0;
  std::uint32_t head_dim = 0;
  DType dtype = DType::kBF16;  // bf16, f16, f32, f8_e4m3 or i8

  // invalid_argument for a zero extent, a head_dim above 512, a block_size above 4096, or a dtype
  // that is not in the list.
  [[nodiscard]] Status validate() const;

  [[nodiscard]] Format format() const;             // of dtype
  [[nodiscard]] std::size_t pair() const;          // 2 or 1
  [[nodiscard]] std::size_t padded_dim() const;    // head_dim rounded up to 16
  [[nodiscard]] std::size_t padded_slots() const;  // block_size rounded up to 16

  // Bytes of K and V of this layer in one block.
  [[nodiscard]] std::size_t bytes_per_block() const;
  // Bytes of the whole layer.
  [[nodiscard]] std::size_t bytes() const;

  // Byte offsets of one head's K and V within the layer's memory.
  [[nodiscard]] std::size_t k_offset(std::uint32_t block, std::uint32_t head) const;
  [[nodiscard]] std::size_t v_offset(std::uint32_t block, std::uint32_t head) const;
  // int8: byte offset of one head's K scales; its V scales lie padded_slots floats later.
  [[nodiscard]] std::size_t scales_offset(std::uint32_t block, std::uint32_t head) const;
  // Element offsets of (slot, dim) from there.
  [[nodiscard]] std::size_t k_element(std::uint32_t slot, std::uint32_t dim) const;
  [[nodiscard]] std::size_t v_element(std::uint32_t slot, std::uint32_t dim) const;

  [[nodiscard]] std::size_t half_bytes() const;  // of one head's K, or V, in a block
  [[nodiscard]] std::size_t head_bytes() const;  // of all that one head has in a block
};

}  // namespace nacelle::kernels
