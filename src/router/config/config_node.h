// config_node.h: a YAML (or JSON) document as a plain tree.
//
// Everything past this point works on the tree, so the YAML library, its exceptions and its shared
// nodes stay in one source file, and every position has a line for messages.
//
// Home:    a value.
// Errors:  parse_config_text: invalid_argument with the line; also for a key given twice.
// Bounds:  1 MiB of text, 64 levels, 50,000 nodes after aliases are expanded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nacelle::router {

struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // a scalar that is text whatever it looks like
  int line = 0;         // 1-based; 0 when unknown
  std::string text;     // scalar
  std::vector<ConfigNode> items;
  std::vector<std::pair<std::string, ConfigNode>> fields;

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  // Null when there is no such field.
  [[nodiscard]] const ConfigNode* find(std::string_view key) const;
};

inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// An empty text is a null node.
[[nodiscard]] Result<ConfigNode> parse_config_text(std::string_view yaml);

}  // namespace nacelle::router
