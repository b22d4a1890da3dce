#include "tokenizer/pre_tokenizer/char_split.h"

#include "tokenizer/pre_tokenizer/delimiter.h"
#include "tokenizer/unicode/char_class.h"

namespace nacelle::tokenizer {
namespace {

class CharSplit final : public PreTokenizer {
 public:
  using IsMember = bool (*)(char32_t);
  CharSplit(IsMember is_member, Delimiter delimiter)
      : is_member_(is_member), delimiter_(delimiter) {}

  void split(const Piece& piece, PieceList& out) const override {
    split_by(piece, spans_of_chars(piece.text, is_member_), delimiter_, out);
  }

 private:
  IsMember is_member_;
  Delimiter delimiter_;
};

class CharDelimiterSplit final : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(char32_t delimiter) : delimiter_(delimiter) {}

  void split(const Piece& piece, PieceList& out) const override {
    const auto is_member = [this](char32_t c) { return c == delimiter_; };
    split_by(piece, spans_of_chars(piece.text, is_member), Delimiter::kRemoved, out);
  }

 private:
  char32_t delimiter_;
};

// \w+|[^\w\s]+
class Whitespace final : public PreTokenizer {
 public:
  void split(const Piece& piece, PieceList& out) const override {
    enum class Kind { kSpace, kWord, kOther };
    std::size_t begin = 0;
    Kind current = Kind::kSpace;
    const auto flush = [&](std::size_t end) {
      if (current != Kind::kSpace) {
        out.add({piece.text.substr(begin, end - begin), piece.at_origin && begin == 0});
      }
    };
    for (std::size_t pos = 0; pos < piece.text.size();) {
      const DecodedChar d = decode_valid(piece.text.data() + pos);
      const Kind kind = is_word(d.code_point)          ? Kind::kWord
                        : is_white_space(d.code_point) ? Kind::kSpace
                                                       : Kind::kOther;
      if (kind != current) {
        flush(pos);
        begin = pos;
        current = kind;
      }
      pos += d.length;
    }
    flush(piece.text.size());
  }
};

class BertPreTokenizer final : public PreTokenizer {
 public:
  void split(const Piece& piece, PieceList& out) const override {
    PieceList words;
    split_by(piece, spans_of_chars(piece.text, is_white_space), Delimiter::kRemoved, words);
    for (const Piece& word : words.items()) {
      split_by(word, spans_of_chars(word.text, is_punctuation), Delimiter::kIsolated, out);
    }
  }
};

}  // namespace

Result<std::unique_ptr<PreTokenizer>> make_digits(const JsonNode& node) {
  ASSIGN_OR_RETURN(const bool individual, node.boolean_or("individual_digits", false));
  return std::unique_ptr<PreTokenizer>(std::make_unique<CharSplit>(
      is_numeric, individual ? Delimiter::kIsolated : Delimiter::kContiguous));
}

Result<std::unique_ptr<PreTokenizer>> make_punctuation(const JsonNode& node) {
  ASSIGN_OR_RETURN(const Delimiter delimiter,
                   parse_delimiter(node, "behavior", Delimiter::kIsolated));
  return std::unique_ptr<PreTokenizer>(std::make_unique<CharSplit>(is_punctuation, delimiter));
}

Result<std::unique_ptr<PreTokenizer>> make_char_delimiter(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode present, node.member("delimiter"));
  ASSIGN_OR_RETURN(const char32_t delimiter, node.character_or("delimiter", U' '));
  return std::unique_ptr<PreTokenizer>(std::make_unique<CharDelimiterSplit>(delimiter));
}

std::unique_ptr<PreTokenizer> make_whitespace() { return std::make_unique<Whitespace>(); }

std::unique_ptr<PreTokenizer> make_whitespace_split() {
  return std::make_unique<CharSplit>(is_white_space, Delimiter::kRemoved);
}

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer() {
  return std::make_unique<BertPreTokenizer>();
}

}  // namespace nacelle::tokenizer
