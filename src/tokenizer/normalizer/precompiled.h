// precompiled.h: Precompiled: SentencePiece's compiled character map.
//
// Layout after base64: u32 bytes of the trie, the trie (a Darts double array, u32 units), then the
// replacements as NUL-terminated strings that the trie's values point into.
// Source:  sentencepiece, normalizer.cc; darts-clone for the units.
#pragma once

#include "tokenizer/normalizer/normalizer.h"

namespace nacelle::tokenizer {

[[nodiscard]] Result<std::unique_ptr<Normalizer>> make_precompiled(const JsonNode& node);

}  // namespace nacelle::tokenizer
