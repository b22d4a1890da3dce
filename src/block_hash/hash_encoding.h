// hash_encoding.h: the bytes that a block's hash is computed over.
//
// Two dialects: Python's pickle protocol 5 of the tuple (parent, token ids, extra), byte for byte
// as CPython writes it, and canonical CBOR of the same three items. Both are written straight into
// a reused buffer.
//
// Source:  engine.md section 23; CPython Lib/pickle.py (opcodes); RFC 8949 section 4.2.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace nacelle::block_hash {

// What isolates a block besides its tokens, in this order: LoRA name, cache salt (first block
// only). Empty is written as null.
using ExtraKeys = std::vector<std::string>;

// Replaces `out` with the serialised (parent, tokens, extra). `parent` has at most 255 bytes, and a
// pickle at most 64 KiB (beyond it CPython starts another frame): 12,000 tokens.
void encode_pickle(std::span<const std::uint8_t> parent, std::span<const TokenId> tokens,
                   const ExtraKeys& extra, std::vector<std::uint8_t>& out);
void encode_cbor(std::span<const std::uint8_t> parent, std::span<const TokenId> tokens,
                 const ExtraKeys& extra, std::vector<std::uint8_t>& out);

// Replaces `out` with the serialised text alone: what the root of a seeded chain is the hash of.
void encode_pickle_text(std::string_view text, std::vector<std::uint8_t>& out);
void encode_cbor_text(std::string_view text, std::vector<std::uint8_t>& out);

}  // namespace nacelle::block_hash
