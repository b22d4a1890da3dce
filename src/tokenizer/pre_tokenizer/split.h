// split.h: Split: cuts at the matches of a pattern.
#pragma once

#include "tokenizer/pattern/pattern.h"
#include "tokenizer/pre_tokenizer/delimiter.h"
#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

namespace nacelle::tokenizer {

class Split final : public PreTokenizer {
 public:
  Split(std::unique_ptr<Pattern> pattern, Delimiter delimiter, bool invert)
      : pattern_(std::move(pattern)), delimiter_(delimiter), invert_(invert) {}

  [[nodiscard]] static Result<std::unique_ptr<Split>> from_json(const JsonNode& node);

  void split(const Piece& piece, PieceList& out) const override;

  // Set when every piece of the scanner is kept as it is.
  [[nodiscard]] const WordScanner* scanner() const;

 private:
  std::unique_ptr<Pattern> pattern_;
  Delimiter delimiter_;
  bool invert_;
};

}  // namespace nacelle::tokenizer
