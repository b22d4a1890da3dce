// registry.cc: finds a filter by name.
#include <map>

#include "chat_template/filters/tables.h"

namespace nacelle::chat_template {

FilterFunction find_filter(std::string_view name) {
  static const std::map<std::string_view, FilterFunction> filters = [] {
    std::map<std::string_view, FilterFunction> all;
    for (const auto group : {text_filters(), markup_filters(), number_filters(), sequence_filters(),
                             sorting_filters(), selection_filters(), value_filters()}) {
      for (const auto& [known, function] : group) all.emplace(known, function);
    }
    return all;
  }();
  const auto it = filters.find(name);
  return it == filters.end() ? nullptr : it->second;
}

}  // namespace nacelle::chat_template
