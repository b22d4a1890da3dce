#include "cli/flags/flag_values.h"

namespace nacelle::cli {

const FlagValue* FlagValues::find(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? nullptr : &at->second;
}

bool FlagValues::flag(std::string_view name, bool fallback) const {
  const FlagValue* value = find(name);
  return value == nullptr ? fallback : value->boolean;
}

std::int64_t FlagValues::integer(std::string_view name, std::int64_t fallback) const {
  const FlagValue* value = find(name);
  return value == nullptr ? fallback : value->integer;
}

double FlagValues::real(std::string_view name, double fallback) const {
  const FlagValue* value = find(name);
  return value == nullptr ? fallback : value->real;
}

std::string FlagValues::text(std::string_view name, std::string_view fallback) const {
  const FlagValue* value = find(name);
  return value == nullptr ? std::string(fallback) : value->text;
}

std::vector<std::string> FlagValues::list(std::string_view name) const {
  const FlagValue* value = find(name);
  return value == nullptr ? std::vector<std::string>{} : value->list;
}

nlohmann::json FlagValues::json(std::string_view name) const {
  const FlagValue* value = find(name);
  return value == nullptr ? nlohmann::json() : value->json;
}

}  // namespace nacelle::cli
