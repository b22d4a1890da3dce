// pre_tokenizer.h: cuts normalised text into the words that the model sees.
//
// Home:  any thread; immutable.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {

class WordScanner;

struct Piece {
  std::string_view text;   // valid UTF-8, never empty once it is in a list
  bool at_origin = false;  // it begins at the first character of the whole input
};

// Pieces in order, and the text of those that a pre-tokenizer rewrote.
class PieceList {
 public:
  void add(Piece piece) {
    if (!piece.text.empty()) items_.push_back(piece);
  }
  // Keeps `text` alive as long as the list.
  std::string_view own(std::string text) { return owned_.emplace_back(std::move(text)); }

  [[nodiscard]] const std::vector<Piece>& items() const { return items_; }
  std::vector<Piece> take_items() { return std::exchange(items_, {}); }

 private:
  std::vector<Piece> items_;
  std::deque<std::string> owned_;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void split(const Piece& piece, PieceList& out) const = 0;
};

// How the ByteLevel step at the end of a pre-tokenizer reaches the model. As characters of the byte
// alphabet (unicode/byte_chars.h), or left to a model that knows its vocabulary as bytes.
enum class ByteAlphabet { kAsChars, kLeftToModel };

struct PreTokenizerPlan {
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // null: text reaches the model whole
  bool model_reads_bytes = false;  // the last step is ByteLevel and was left to the model
  // When one scanner does the same as `pre_tokenizer`, the hot path calls it directly.
  const WordScanner* scanner = nullptr;
};

// The "pre_tokenizer" of tokenizer.json by "type". Errors name the path and the key.
[[nodiscard]] Result<PreTokenizerPlan> make_pre_tokenizer(const JsonNode& node,
                                                          ByteAlphabet alphabet);

}  // namespace nacelle::tokenizer
