// generation_config.h: the sampling defaults that a model's authors recommend.
//
// Home:    immutable after load; any thread.
// Errors:  invalid_argument for malformed JSON or values outside the sampling limits. A folder
// without
//          the file has no recommendations, which is no error.
// Source:  engine.md section 13, last lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace nacelle::model {

struct GenerationConfig {
  std::optional<double> temperature;         // >= 0
  std::optional<double> top_p;               // (0, 1]
  std::optional<std::int64_t> top_k;         // -1 and 0 = off
  std::optional<double> min_p;               // [0, 1]
  std::optional<double> repetition_penalty;  // > 0
  std::optional<std::int64_t> max_new_tokens;
  std::vector<TokenId> eos_token_ids;  // in the file's order; empty = not stated

  [[nodiscard]] static Result<GenerationConfig> load(const std::filesystem::path& folder);
  [[nodiscard]] static Result<GenerationConfig> parse(
      std::string_view json_text, std::string_view source = "generation_config.json");
};

}  // namespace nacelle::model
