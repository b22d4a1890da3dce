// key_space.h: what names a block in the precise index, for events and for prompts alike.
//
//   kEngineHash   the last eight bytes of the engine's own block hash. No work per event; needs all
//                 engines to hash alike: one --prefix-caching-hash-algo, one PYTHONHASHSEED.
//   kRequestKey   llm-d's keys, computed here from the tokens that events carry. Works with any
//                 engine and seed, for a table entry more per block.
//
// Source:  router.md section 11.4.
#pragma once

#include <cstdint>
#include <string>

#include "block_hash/hash_algorithm.h"
#include "block_hash/request_keys.h"

namespace nacelle::router {

enum class KeyKind : std::uint8_t { kEngineHash, kRequestKey };

struct KeySpace {
  KeyKind kind = KeyKind::kEngineHash;
  std::uint32_t block_size_tokens = 16;
  std::string seed = "0";  // PYTHONHASHSEED of the engines, or hashSeed
  block_hash::HashAlgorithm engine_algorithm = block_hash::HashAlgorithm::kSha256Cbor;
  block_hash::RequestKeyAlgorithm request_algorithm = block_hash::RequestKeyAlgorithm::kCborFnv;
  std::string model;  // bound into request keys; a LoRA adapter's name takes its place
};

}  // namespace nacelle::router
