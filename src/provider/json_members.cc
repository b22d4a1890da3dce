#include "provider/json_members.h"

#include "provider/json/object_scanner.h"

namespace nacelle::provider::json {

Result<std::vector<std::string>> strings_of(std::string_view object,
                                            std::initializer_list<std::string_view> names) {
  std::vector<std::string> out(names.size());
  ObjectScanner scanner(object);
  while (const auto member = scanner.next()) {
    std::size_t i = 0;
    for (const std::string_view name : names) {
      if (key_is(member->key, name)) {
        auto text = string_value(member->value);
        const bool null = member->value == "null";
        out[i] = text ? std::move(*text) : null ? std::string() : std::string(member->value);
      }
      ++i;
    }
  }
  if (!scanner.ok()) return invalid_argument("not a JSON object");
  return out;
}

std::optional<std::uint64_t> number_of(std::string_view text) { return unsigned_value(text); }

}  // namespace nacelle::provider::json
