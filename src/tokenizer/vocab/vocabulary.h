// vocabulary.h: the model's tokens, by text and by id.
//
// Home:  built once, then read by any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "tokenizer/json/json_node.h"
#include "tokenizer/vocab/string_index.h"

namespace nacelle::tokenizer {

class Vocabulary {
 public:
  // {"text": id, ...}. Ids are at most kMaxTokenId; they may have gaps.
  [[nodiscard]] static Result<Vocabulary> from_json(const JsonNode& node);

  void add(std::string_view text, TokenId id);

  [[nodiscard]] std::optional<TokenId> find(std::string_view text) const {
    return index_.find(text);
  }
  [[nodiscard]] std::optional<std::string_view> text(TokenId id) const;

  [[nodiscard]] std::size_t count() const { return index_.size(); }     // different texts
  [[nodiscard]] std::size_t id_limit() const { return spans_.size(); }  // largest id + 1

 private:
  struct Location {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    bool used = false;
  };
  StringIndex index_;
  std::string pool_;
  std::vector<Location> spans_;
};

}  // namespace nacelle::tokenizer
