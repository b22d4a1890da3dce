#include "tokenizer/pre_tokenizer/byte_level.h"

#include "tokenizer/pattern/word_scanner.h"
#include "tokenizer/unicode/byte_chars.h"

namespace nacelle::tokenizer {
namespace {

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(ByteLevelOptions options, ByteAlphabet alphabet)
      : options_(options), alphabet_(alphabet) {}

  void split(const Piece& piece, PieceList& out) const override {
    std::string_view text = piece.text;
    if (options_.add_prefix_space && !text.starts_with(' ')) {
      text = out.own(std::string(" ").append(text));
    }
    if (!options_.use_regex) {
      add(text, piece.at_origin, out);
      return;
    }
    const WordScanner& scanner = *find_known_scanner(kGpt2Regex);
    for (std::size_t pos = 0; pos < text.size();) {
      const std::size_t end = scanner.next(text, pos).end;
      add(text.substr(pos, end - pos), piece.at_origin && pos == 0, out);
      pos = end;
    }
  }

 private:
  void add(std::string_view word, bool at_origin, PieceList& out) const {
    if (alphabet_ == ByteAlphabet::kAsChars) word = out.own(bytes_to_chars(word));
    out.add({word, at_origin});
  }

  ByteLevelOptions options_;
  ByteAlphabet alphabet_;
};

}  // namespace

Result<ByteLevelOptions> parse_byte_level(const JsonNode& node) {
  ByteLevelOptions options;
  ASSIGN_OR_RETURN(options.add_prefix_space, node.boolean_or("add_prefix_space", true));
  ASSIGN_OR_RETURN(options.use_regex, node.boolean_or("use_regex", true));
  return options;
}

std::unique_ptr<PreTokenizer> make_byte_level(ByteLevelOptions options, ByteAlphabet alphabet) {
  return std::make_unique<ByteLevel>(options, alphabet);
}

}  // namespace nacelle::tokenizer
