// json_node.h: a JSON value together with its path, so that every complaint names the place.
//
// "model.merges[17]: expected a string, found a number". The document must outlive the nodes.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::tokenizer {

class JsonNode {
 public:
  JsonNode(simdjson::dom::element element, std::string path)
      : element_(element), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] simdjson::dom::element element() const { return element_; }

  // An invalid_argument Status that begins with the path.
  [[nodiscard]] Status error(std::string_view what) const;

  // Members of an object. find(): nullopt when the key is absent or null.
  [[nodiscard]] std::optional<JsonNode> find(std::string_view key) const;
  [[nodiscard]] Result<JsonNode> member(std::string_view key) const;

  // The elements of an array, each with its index in the path.
  [[nodiscard]] Result<std::vector<JsonNode>> items() const;

  [[nodiscard]] Result<std::string_view> string() const;
  [[nodiscard]] Result<bool> boolean() const;
  [[nodiscard]] Result<double> number() const;
  // An integer in [low, high].
  [[nodiscard]] Result<std::int64_t> integer(std::int64_t low, std::int64_t high) const;

  // Members with a default for an absent key or null.
  [[nodiscard]] Result<std::string> string_or(std::string_view key,
                                              std::string_view fallback) const;
  [[nodiscard]] Result<bool> boolean_or(std::string_view key, bool fallback) const;
  // Exactly one character.
  [[nodiscard]] Result<char32_t> character_or(std::string_view key, char32_t fallback) const;

  // The string member "type".
  [[nodiscard]] Result<std::string_view> type() const;

  [[nodiscard]] bool is_object() const { return element_.is_object(); }
  [[nodiscard]] bool is_array() const { return element_.is_array(); }
  [[nodiscard]] bool is_string() const { return element_.is_string(); }

 private:
  [[nodiscard]] Status wrong_type(std::string_view expected) const;
  [[nodiscard]] std::string child(std::string_view key) const;

  simdjson::dom::element element_;
  std::string path_;
};

// A vocabulary id. 4 million ids is eight times the largest vocabulary in use; the bound keeps a
// broken file from asking for gigabytes.
inline constexpr std::int64_t kMaxTokenId = (std::int64_t{1} << 22) - 1;

// Sequences may nest; files in use need two levels.
inline constexpr int kMaxNesting = 16;

}  // namespace nacelle::tokenizer
