// edges.h: normalizers that work at the ends of the text: Prepend and Strip.
#pragma once

#include "tokenizer/normalizer/normalizer.h"

namespace nacelle::tokenizer {

[[nodiscard]] Result<std::unique_ptr<Normalizer>> make_prepend(const JsonNode& node);
[[nodiscard]] Result<std::unique_ptr<Normalizer>> make_strip(const JsonNode& node);

}  // namespace nacelle::tokenizer
