// metaspace.h: Metaspace: spaces become a visible character, by default U+2581, which begins words.
#pragma once

#include <string>

#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

namespace nacelle::tokenizer {

enum class PrependScheme { kAlways, kFirst, kNever };

struct MetaspaceOptions {
  std::string replacement = "\u2581";  // one character
  PrependScheme prepend_scheme = PrependScheme::kAlways;
  bool split = true;
};

// Also read by the Metaspace decoder. Understands the older add_prefix_space.
[[nodiscard]] Result<MetaspaceOptions> parse_metaspace(const JsonNode& node);

[[nodiscard]] std::unique_ptr<PreTokenizer> make_metaspace(MetaspaceOptions options);

}  // namespace nacelle::tokenizer
