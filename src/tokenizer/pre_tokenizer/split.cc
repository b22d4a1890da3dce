#include "tokenizer/pre_tokenizer/split.h"

namespace nacelle::tokenizer {

Result<std::unique_ptr<Split>> Split::from_json(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode pattern_node, node.member("pattern"));
  ASSIGN_OR_RETURN(std::unique_ptr<Pattern> pattern, make_pattern(pattern_node));
  ASSIGN_OR_RETURN(const JsonNode present, node.member("behavior"));
  ASSIGN_OR_RETURN(const Delimiter delimiter,
                   parse_delimiter(node, "behavior", Delimiter::kIsolated));
  ASSIGN_OR_RETURN(const bool invert, node.boolean_or("invert", false));
  return std::make_unique<Split>(std::move(pattern), delimiter, invert);
}

void Split::split(const Piece& piece, PieceList& out) const {
  std::vector<Span> spans;
  pattern_->find_all(piece.text, spans);
  if (invert_) {
    for (Span& span : spans) span.matched = !span.matched;
  }
  split_by(piece, std::move(spans), delimiter_, out);
}

const WordScanner* Split::scanner() const {
  return delimiter_ == Delimiter::kIsolated ? pattern_->scanner() : nullptr;
}

}  // namespace nacelle::tokenizer
