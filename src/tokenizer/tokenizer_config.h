// tokenizer_config.h: what tokenizer_config.json, special_tokens_map.json and chat_template.jinja
// say.
//
// Home:  any thread; a value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/added/added_token.h"

namespace nacelle::tokenizer {

struct TokenizerConfig {
  // By name: "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token",
  // "mask_token" and any other "*_token" the file holds. The value is the token's text.
  std::map<std::string, std::string, std::less<>> special_tokens;
  std::vector<std::string> extra_special_tokens;  // without names

  // Templates by name; a single one is called "default".
  std::map<std::string, std::string, std::less<>> chat_templates;

  std::vector<AddedToken> added_tokens;  // added_tokens_decoder, by rising id
  bool has_added_tokens_decoder = false;
  std::optional<bool> add_bos_token;  // count when tokenizer.json has no post-processor
  std::optional<bool> add_eos_token;
  std::optional<std::int64_t> model_max_length;  // tokens; unset for "no limit" (1e30)
  std::string tokenizer_class;

  // The text of a named token, for example special("bos_token").
  [[nodiscard]] std::optional<std::string> special(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> bos_token() const { return special("bos_token"); }
  [[nodiscard]] std::optional<std::string> eos_token() const { return special("eos_token"); }
  [[nodiscard]] std::optional<std::string> pad_token() const { return special("pad_token"); }
  [[nodiscard]] std::optional<std::string> unk_token() const { return special("unk_token"); }
};

// tokenizer_config.json. Unknown keys are ignored; errors name the path and the key.
[[nodiscard]] Result<TokenizerConfig> parse_tokenizer_config(std::string_view json);

// special_tokens_map.json, an older file: it counts, and wins over the configuration, only when
// that one has no added_tokens_decoder.
[[nodiscard]] Status add_special_tokens_map(std::string_view json, TokenizerConfig& config);

}  // namespace nacelle::tokenizer
