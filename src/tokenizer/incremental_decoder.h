// incremental_decoder.h: the text of a growing sequence, token by token.
//
// append() returns what is decided by now and never a part of a character; flush() returns the
// rest. All of it together equals decode(prompt + tokens) without decode(prompt), except that byte
// tokens which are not UTF-8 in the end may show fewer U+FFFD (a whole text is judged as one).
//
// Home:  one thread. Keeps the Tokenizer alive.
// Cost:  O(length of the token); the prompt counts with at most kPrimeTokens of its tokens.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/token.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::tokenizer {

class DecodeStream;

class IncrementalDecoder {
 public:
  static constexpr std::size_t kPrimeTokens = 64;

  // `prompt` may be the whole prompt or its last tokens.
  IncrementalDecoder(std::shared_ptr<const Tokenizer> tokenizer, std::span<const TokenId> prompt,
                     DecodeOptions options = {});
  IncrementalDecoder(IncrementalDecoder&&) noexcept;
  IncrementalDecoder& operator=(IncrementalDecoder&&) noexcept;
  ~IncrementalDecoder();

  [[nodiscard]] std::string append(TokenId id);

  // What is still held back, with U+FFFD for a character that never became complete. Call once.
  [[nodiscard]] std::string flush();

 private:
  void push(TokenId id);

  std::shared_ptr<const Tokenizer> tokenizer_;
  DecodeOptions options_;
  std::unique_ptr<DecodeStream> stream_;
};

}  // namespace nacelle::tokenizer
