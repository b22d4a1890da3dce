// bert.h: BertNormalizer: clean text, space out ideographs, strip accents, lower case.
#pragma once

#include "tokenizer/normalizer/normalizer.h"

namespace nacelle::tokenizer {

[[nodiscard]] Result<std::unique_ptr<Normalizer>> make_bert_normalizer(const JsonNode& node);

}  // namespace nacelle::tokenizer
