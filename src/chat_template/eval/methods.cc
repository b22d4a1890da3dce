#include "chat_template/eval/methods.h"

#include <algorithm>

namespace nacelle::chat_template {
namespace {

const MethodEntry* find_in(const MethodTable& table, std::string_view name) {
  const auto* it = std::lower_bound(
      table.begin, table.end, name,
      [](const MethodEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return it != table.end && it->name == name ? it : nullptr;
}

const MethodEntry* find_entry(Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::kString: {
      const MethodEntry* entry = find_in(text_methods(), name);
      return entry != nullptr ? entry : find_in(text_predicates(), name);
    }
    case Kind::kList:
    case Kind::kTuple: {
      const MethodEntry* entry = find_in(list_methods(), name);
      // Tuples have no copy().
      return entry != nullptr && kind == Kind::kTuple && name == "copy" ? nullptr : entry;
    }
    case Kind::kDict:
      return find_in(dict_methods(), name);
    case Kind::kRange:
      return find_in(range_methods(), name);
    default:
      return nullptr;
  }
}

}  // namespace

MethodFunction find_method(Kind kind, std::string_view name, std::string_view* static_name) {
  const MethodEntry* entry = find_entry(kind, name);
  if (entry == nullptr) return nullptr;
  if (static_name != nullptr) *static_name = entry->name;
  return entry->method;
}

}  // namespace nacelle::chat_template
