// byte_steps.h: decoders that turn tokens into bytes: ByteLevel and ByteFallback.
#pragma once

#include "tokenizer/decoder/decoder.h"

namespace nacelle::tokenizer {

// Tokens of the byte alphabet (unicode/byte_chars.h) become bytes; all together are one token.
// Parts that are not UTF-8 become U+FFFD, once nothing that follows can complete them.
[[nodiscard]] std::unique_ptr<DecodeStep> make_byte_level_step();

// <0xNN> tokens become bytes. A run of them that is not UTF-8 gives one U+FFFD a byte.
[[nodiscard]] std::unique_ptr<DecodeStep> make_byte_fallback_step();

}  // namespace nacelle::tokenizer
