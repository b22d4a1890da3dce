// token_words.h: the words of a model's vocabulary that stay one token each wherever they stand.
//
// With them a prompt of n words has exactly n tokens (plus what the server adds, such as BOS).
// Errors:  not_found when the tokenizer has fewer than 16 such words.
#pragma once

#include "base/result.h"
#include "cli/bench/workload.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::cli {

[[nodiscard]] Result<Vocabulary> single_token_words(const tokenizer::Tokenizer& tokenizer);

}  // namespace nacelle::cli
