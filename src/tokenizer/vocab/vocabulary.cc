#include "tokenizer/vocab/vocabulary.h"

namespace nacelle::tokenizer {

Result<Vocabulary> Vocabulary::from_json(const JsonNode& node) {
  simdjson::dom::object object;
  if (node.element().get(object) != simdjson::SUCCESS) {
    return node.error("expected an object of token texts and ids");
  }
  Vocabulary out;
  out.index_.reserve(object.size());
  for (const auto [text, value] : object) {
    std::int64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS || id < 0 || id > kMaxTokenId) {
      return node.error(
          fmt::format("the id of \"{}\" is not an integer in 0..{}", text, kMaxTokenId));
    }
    out.add(text, static_cast<TokenId>(id));
  }
  return out;
}

void Vocabulary::add(std::string_view text, TokenId id) {
  index_.add(text, id);
  const auto at = static_cast<std::size_t>(id);
  if (at >= spans_.size()) spans_.resize(at + 1);
  spans_[at] = {static_cast<std::uint32_t>(pool_.size()), static_cast<std::uint32_t>(text.size()),
                true};
  pool_ += text;
}

std::optional<std::string_view> Vocabulary::text(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= spans_.size()) return std::nullopt;
  const Location& at = spans_[static_cast<std::size_t>(id)];
  if (!at.used) return std::nullopt;
  return std::string_view(pool_).substr(at.offset, at.length);
}

}  // namespace nacelle::tokenizer
