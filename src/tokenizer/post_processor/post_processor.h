// post_processor.h: puts special tokens around the ids of a text.
//
// Home:  any thread; immutable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {

// A list of fixed ids and places where the text's ids go. Every kind of post-processor comes down
// to one or several of these (ByteLevel touches offsets only and is none).
class PostProcessor {
 public:
  struct Item {
    bool is_text = false;  // the text's ids go here
    std::vector<TokenId> ids;
  };
  using Template = std::vector<Item>;

  void add(Template steps) { templates_.push_back(std::move(steps)); }
  void apply(std::vector<TokenId>& ids) const;

 private:
  std::vector<Template> templates_;  // applied one after the other
};

// The "post_processor" of tokenizer.json by "type". Errors name the path and the key.
[[nodiscard]] Result<PostProcessor> make_post_processor(const JsonNode& node);

// [bos] text [eos], as add_bos_token and add_eos_token of tokenizer_config.json ask for.
[[nodiscard]] PostProcessor make_bos_eos(std::optional<TokenId> bos, std::optional<TokenId> eos);

}  // namespace nacelle::tokenizer
