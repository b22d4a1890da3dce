#include "tokenizer/tokenizer_parts.h"

#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {
namespace {

// The order of steps that end in ByteLevel matters to the model: it may take the bytes themselves.
Result<PreTokenizerPlan> read_pre_tokenizer(const JsonNode& root, const JsonNode& model) {
  const auto node = root.find("pre_tokenizer");
  if (!node) return PreTokenizerPlan();
  return make_pre_tokenizer(
      *node, model_accepts_bytes(model) ? ByteAlphabet::kLeftToModel : ByteAlphabet::kAsChars);
}

}  // namespace

Status Tokenizer::Parts::read_added_tokens(const JsonNode& root) {
  if (const auto list = root.find("added_tokens")) {
    ASSIGN_OR_RETURN(const std::vector<JsonNode> items, list->items());
    for (const JsonNode& item : items) {
      ASSIGN_OR_RETURN(AddedToken token, parse_added_token(item));
      ASSIGN_OR_RETURN(const JsonNode id_node, item.member("id"));
      ASSIGN_OR_RETURN(const std::int64_t id, id_node.integer(0, kMaxTokenId));
      token.id = static_cast<TokenId>(id);
      added.add(std::move(token), model->vocabulary());
    }
  }
  for (const AddedToken& token : config.added_tokens) added.add(token, model->vocabulary());
  const auto add_special = [&](const std::string& text) {
    added.add({.content = text, .special = true, .normalized = false}, model->vocabulary());
  };
  // New ones get ids in this order, as transformers gives them.
  constexpr std::string_view kFirst[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};
  for (const std::string_view name : kFirst) {
    if (const auto text = config.special(name)) add_special(*text);
  }
  for (const auto& [name, text] : config.special_tokens) add_special(text);
  for (const std::string& text : config.extra_special_tokens) add_special(text);
  added.prepare(normalizer.get());
  return Status();
}

Status Tokenizer::Parts::read_post_processor(const JsonNode& root) {
  if (const auto node = root.find("post_processor")) {
    ASSIGN_OR_RETURN(post_processor, make_post_processor(*node));
    return Status();
  }
  const auto id_of = [&](std::optional<bool> wanted, std::string_view name) {
    const auto text = config.special(name);
    const AddedToken* token = wanted.value_or(false) && text ? added.find(*text) : nullptr;
    return token == nullptr ? std::optional<TokenId>() : std::optional<TokenId>(token->id);
  };
  post_processor = make_bos_eos(id_of(config.add_bos_token, "bos_token"),
                                id_of(config.add_eos_token, "eos_token"));
  return Status();
}

Result<std::unique_ptr<Tokenizer::Parts>> Tokenizer::Parts::from_json(
    std::string_view tokenizer_json, TokenizerConfig config) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  const auto error = parser.parse(tokenizer_json.data(), tokenizer_json.size()).get(element);
  if (error != simdjson::SUCCESS) {
    return invalid_argument("not JSON: {}", simdjson::error_message(error));
  }
  const JsonNode root(element, "");
  ASSIGN_OR_RETURN(const JsonNode model_node, root.member("model"));

  auto parts = std::make_unique<Parts>();
  parts->config = std::move(config);
  ASSIGN_OR_RETURN(parts->pre_tokenizer, read_pre_tokenizer(root, model_node));
  const auto form = parts->pre_tokenizer.model_reads_bytes ? WordForm::kBytes : WordForm::kText;
  ASSIGN_OR_RETURN(parts->model, make_model(model_node, form));
  if (const auto node = root.find("normalizer")) {
    ASSIGN_OR_RETURN(parts->normalizer, make_normalizer(*node));
  }
  RETURN_IF_ERROR(parts->read_added_tokens(root));
  RETURN_IF_ERROR(parts->read_post_processor(root));
  if (const auto node = root.find("decoder")) {
    ASSIGN_OR_RETURN(parts->decoder, make_decoder(*node));
  }
  return parts;
}

void Tokenizer::Parts::encode_segment(const AddedVocabulary::Segment& segment,
                                      SpecialTokens special, Scratch& scratch,
                                      std::vector<TokenId>& out) const {
  if (segment.id >= 0) {
    out.push_back(segment.id);
    return;
  }
  if (normalizer == nullptr && !added.has_normalized()) {
    encode_piece({segment.text, segment.at_start}, scratch, out);
    return;
  }
  NormalText normal{std::string(segment.text), segment.at_start};
  if (normalizer != nullptr) normalizer->apply(normal);
  std::vector<AddedVocabulary::Segment> inner;
  added.split_normalized(normal.text, special, inner);
  for (const auto& part : inner) {
    if (part.id >= 0) {
      out.push_back(part.id);
    } else {
      encode_piece({part.text, part.at_start && normal.at_origin}, scratch, out);
    }
  }
}

void Tokenizer::Parts::encode_piece(const Piece& piece, Scratch& scratch,
                                    std::vector<TokenId>& out) const {
  if (const WordScanner* scanner = pre_tokenizer.scanner) {
    for (std::size_t pos = 0; pos < piece.text.size();) {
      const std::size_t end = scanner->next(piece.text, pos).end;
      encode_word(piece.text.substr(pos, end - pos), scratch, out);
      pos = end;
    }
  } else if (pre_tokenizer.pre_tokenizer != nullptr) {
    PieceList pieces;
    pre_tokenizer.pre_tokenizer->split(piece, pieces);
    for (const Piece& each : pieces.items()) encode_uncut(each.text, scratch, out);
  } else {
    encode_uncut(piece.text, scratch, out);
  }
}

void Tokenizer::Parts::encode_uncut(std::string_view text, Scratch& scratch,
                                    std::vector<TokenId>& out) const {
  const std::string_view mark = model->cut_before();
  std::size_t begin = 0;
  if (!mark.empty()) {
    std::size_t marks_end = 0;  // end of the run of marks that was seen last
    for (std::size_t at = text.find(mark); at != std::string_view::npos;
         at = text.find(mark, marks_end)) {
      if (at != begin && at != marks_end) {
        encode_word(text.substr(begin, at - begin), scratch, out);
        begin = at;
      }
      marks_end = at + mark.size();
    }
  }
  if (begin != text.size()) encode_word(text.substr(begin), scratch, out);
}

void Tokenizer::Parts::encode_word(std::string_view word, Scratch& scratch,
                                   std::vector<TokenId>& out) const {
  if (word.size() > WordCache::kMaxWord) {
    model->encode_word(word, scratch, out);
    return;
  }
  const WordCache::Key key = WordCache::key_of(word);
  if (scratch.cache.find(key, out)) return;
  const std::size_t before = out.size();
  model->encode_word(word, scratch, out);
  scratch.cache.insert(key, std::span(out).subspan(before));
}

std::optional<std::string_view> Tokenizer::Parts::token(TokenId id) const {
  if (const AddedToken* token = added.find(id)) return token->text;
  return model->vocabulary().text(id);
}

}  // namespace nacelle::tokenizer
