// byte_level.h: ByteLevel: GPT-2's word regex and byte alphabet.
#pragma once

#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

namespace nacelle::tokenizer {

struct ByteLevelOptions {
  bool add_prefix_space = true;
  bool use_regex = true;
};

[[nodiscard]] Result<ByteLevelOptions> parse_byte_level(const JsonNode& node);

[[nodiscard]] std::unique_ptr<PreTokenizer> make_byte_level(ByteLevelOptions options,
                                                            ByteAlphabet alphabet);

}  // namespace nacelle::tokenizer
