// text_steps.h: decoders that rewrite text: Fuse, Strip, Replace, Metaspace, WordPiece, BPEDecoder.
#pragma once

#include "tokenizer/decoder/decoder.h"

namespace nacelle::tokenizer {

// All tokens become one.
[[nodiscard]] std::unique_ptr<DecodeStep> make_fuse_step();

// Up to `start` times `content` at the begin of each token and `stop` times at its end are dropped.
[[nodiscard]] Result<std::unique_ptr<DecodeStep>> make_strip_step(const JsonNode& node);

// Matches of a pattern in each token are replaced. Behind Fuse the whole text is one token and
// comes out at the end, except for patterns of a single character.
[[nodiscard]] Result<std::unique_ptr<DecodeStep>> make_replace_step(const JsonNode& node);

// The visible space becomes a space again; in the first token it is dropped (not with "never").
[[nodiscard]] Result<std::unique_ptr<DecodeStep>> make_metaspace_step(const JsonNode& node);

// Tokens with the prefix ("##") are glued to the token before, the others get a space.
[[nodiscard]] Result<std::unique_ptr<DecodeStep>> make_wordpiece_step(const JsonNode& node);

// The suffix ("</w>") becomes a space, in the last token nothing. One token late by nature.
[[nodiscard]] Result<std::unique_ptr<DecodeStep>> make_bpe_step(const JsonNode& node);

// Without a decoder: tokens with spaces between them.
[[nodiscard]] std::unique_ptr<DecodeStep> make_join_step();

}  // namespace nacelle::tokenizer
