// replace.h: Replace: every match of a pattern becomes a fixed text.
#pragma once

#include "tokenizer/normalizer/normalizer.h"
#include "tokenizer/pattern/pattern.h"

namespace nacelle::tokenizer {

// `text` with every match replaced. Shared with the Replace decoder.
[[nodiscard]] std::string replace_all(std::string_view text, const Pattern& pattern,
                                      std::string_view content);

[[nodiscard]] Result<std::unique_ptr<Normalizer>> make_replace(const JsonNode& node);

}  // namespace nacelle::tokenizer
