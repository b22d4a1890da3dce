// prompt_keys.h: the block keys of a prompt, in the key space of the precise index.
//
// Home:    one per thread (it reuses buffers).
// Cost:    a hash per block: about 0.5 us with SHA-256, a tenth of it with xxhash or request keys.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "block_hash/block_hash.h"
#include "router/kv_events/key_space.h"

namespace nacelle::router {

class PromptKeys {
 public:
  explicit PromptKeys(const KeySpace& space);

  // Appends the key of each full block. An engine computes at least one token of a prompt itself,
  // so of a prompt that ends with a block the last one is never a hit there.
  void append(std::span<const TokenId> tokens, const std::string& cache_salt,
              const std::string& lora_name, std::vector<std::uint64_t>& keys);

 private:
  const KeySpace space_;
  block_hash::BlockHasher engine_;
  block_hash::RequestKeyHasher request_;
};

}  // namespace nacelle::router
