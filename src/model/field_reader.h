// field_reader.h: typed fields of one JSON object, with every complaint collected.
//
// A getter that meets a wrong value notes the complaint and returns the default, so that one pass
// over a file finds all its errors. null counts as absent, as Hugging Face writes it.
//
// Home:    one thread.
// Errors:  status() is invalid_argument and lists each complaint as `key is VALUE, accepted: ...`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace nacelle::model {

// Parses `text`, which must be a JSON object nested at most 64 levels deep (code that walks it may
// recurse). `source` names it in errors: "/models/m/config.json".
[[nodiscard]] Result<nlohmann::json> parse_json_object(std::string_view text,
                                                       std::string_view source);

// The first `max_bytes` bytes of a name from outside, with anything but printable ASCII as '?': for
// messages, which are UTF-8.
[[nodiscard]] std::string printable(std::string_view name, std::size_t max_bytes = 60);

class FieldReader {
 public:
  // `object` must outlive the reader. `prefix` precedes key names in complaints: "rope_scaling.".
  FieldReader(const nlohmann::json& object, std::string source, std::string prefix = "");

  [[nodiscard]] bool has(std::string_view key) const;       // present and not null
  [[nodiscard]] bool mentions(std::string_view key) const;  // present, perhaps as null
  [[nodiscard]] const nlohmann::json* find(
      std::string_view key) const;  // nullptr when absent or null

  // Whole numbers; 4096.0 counts as 4096.
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::uint32_t require_u32(std::string_view key, std::uint32_t min, std::uint32_t max);
  std::uint32_t u32_or(std::string_view key, std::uint32_t min, std::uint32_t max,
                       std::uint32_t absent);
  // Finite numbers within [min, max].
  std::optional<double> number(std::string_view key, double min, double max);
  std::vector<double> numbers(std::string_view key, std::size_t max_count, double min, double max);
  bool boolean_or(std::string_view key, bool absent);
  std::optional<std::string> text(std::string_view key);
  std::vector<std::string> texts(std::string_view key, std::size_t max_count);
  // A whole number or a list of them; empty when absent.
  std::vector<std::int32_t> one_or_more_ids(std::string_view key);

  // The reader of a nested object; nullopt when absent, or with a complaint when it is no object.
  [[nodiscard]] std::optional<FieldReader> nested(std::string_view key);

  // Complains about the value of a key that is there.
  void refuse(std::string_view key, std::string_view accepted);
  void complain(std::string complaint);
  // Takes over the complaints of a reader of a nested object.
  void adopt(const FieldReader& nested);

  [[nodiscard]] Status status() const;
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] const nlohmann::json& object() const { return object_; }

 private:
  void complain_value(std::string_view key, const nlohmann::json& value, std::string_view accepted);
  std::optional<std::int64_t> as_integer(const nlohmann::json& value) const;

  const nlohmann::json& object_;
  std::string source_;
  std::string prefix_;
  std::vector<std::string> complaints_;
};

}  // namespace nacelle::model
