#include "cli/bench/token_words.h"

#include <algorithm>

namespace nacelle::cli {
namespace {

constexpr std::size_t kEnough = 2000;

bool is_word(const std::string& text) {
  return text.size() >= 2 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

Result<Vocabulary> single_token_words(const tokenizer::Tokenizer& tokenizer) {
  Vocabulary words;
  const tokenizer::EncodeOptions plain{.add_special_tokens = false};
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocab_size()) && words.size() < kEnough;
       ++id) {
    std::string text = tokenizer.token_text(id, tokenizer::TokenPlace::kInside);
    if (!text.starts_with(' ')) continue;
    const std::string word = text.substr(1);
    if (!is_word(word)) continue;
    // One token at the start of a text and after another word.
    if (tokenizer.encode(word, plain).size() == 1 &&
        tokenizer.encode(word + text + text, plain).size() == 3) {
      words.push_back(word);
    }
  }
  if (words.size() < 16) {
    return not_found("the tokenizer has {} words that are one token each; at least 16 are needed",
                     words.size());
  }
  return words;
}

}  // namespace nacelle::cli
