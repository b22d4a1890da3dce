#include "tokenizer/model/model.h"

#include "tokenizer/model/bpe.h"
#include "tokenizer/model/unigram.h"
#include "tokenizer/model/wordpiece.h"

namespace nacelle::tokenizer {
namespace {

Result<std::string_view> type_of(const JsonNode& node) {
  if (node.find("type")) return node.type();
  ASSIGN_OR_RETURN(const JsonNode vocab, node.member("vocab"));
  if (node.find("merges")) return std::string_view("BPE");
  if (vocab.is_array()) return std::string_view("Unigram");
  if (node.find("max_input_chars_per_word")) return std::string_view("WordPiece");
  return std::string_view("WordLevel");
}

}  // namespace

bool model_accepts_bytes(const JsonNode& node) {
  const auto type = type_of(node);
  if (!type.ok() || *type != "BPE") return false;
  const auto set = [&](std::string_view key) {
    const auto text = node.string_or(key, "");
    return !text.ok() || !text->empty();
  };
  const auto byte_fallback = node.boolean_or("byte_fallback", false);
  return byte_fallback.ok() && !*byte_fallback && !set("continuing_subword_prefix") &&
         !set("end_of_word_suffix");
}

Result<std::unique_ptr<Model>> make_model(const JsonNode& node, WordForm form) {
  ASSIGN_OR_RETURN(const std::string_view type, type_of(node));
  if (type == "BPE") return Bpe::from_json(node, form);
  if (type == "Unigram") return Unigram::from_json(node);
  if (type == "WordPiece") return WordPiece::from_json(node);
  if (type == "WordLevel") return WordLevel::from_json(node);
  return node.error(fmt::format("unknown model \"{}\"", type));
}

}  // namespace nacelle::tokenizer
