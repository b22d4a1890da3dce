// flag_values.h: the outcome of parsing a command line: checked values by flag name.
//
// Accessors CHECK that the flag exists in the table with that kind: asking for a misspelt name is a
// bug.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace nacelle::cli {

struct FlagValue {
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;  // of every kind, as written
  std::vector<std::string> list;
  nlohmann::json json;
};

class FlagValues {
 public:
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] bool flag(std::string_view name, bool fallback) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  [[nodiscard]] double real(std::string_view name, double fallback) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback = "") const;
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  // Null when the flag was not given.
  [[nodiscard]] nlohmann::json json(std::string_view name) const;

  void set(std::string_view name, FlagValue value) {
    values_.insert_or_assign(std::string(name), std::move(value));
  }
  [[nodiscard]] const std::map<std::string, FlagValue, std::less<>>& all() const { return values_; }

  std::vector<std::string> positional;
  std::vector<std::string> warnings;  // duplicates and the like, for the log

 private:
  [[nodiscard]] const FlagValue* find(std::string_view name) const;
  std::map<std::string, FlagValue, std::less<>> values_;
};

}  // namespace nacelle::cli
