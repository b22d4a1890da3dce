// tables.h: the filters by group; one source file each.
#pragma once

#include <span>
#include <string_view>

#include "chat_template/eval/builtins.h"

namespace nacelle::chat_template {

struct FilterEntry {
  std::string_view name;
  FilterFunction function;
};

std::span<const FilterEntry> text_filters();       // upper, trim, replace, indent, ...
std::span<const FilterEntry> markup_filters();     // escape, safe, urlencode, ...
std::span<const FilterEntry> number_filters();     // int, float, round, abs, ...
std::span<const FilterEntry> sequence_filters();   // first, join, length, batch, ...
std::span<const FilterEntry> sorting_filters();    // sort, unique, groupby, min, ...
std::span<const FilterEntry> selection_filters();  // map, select, rejectattr, ...
std::span<const FilterEntry> value_filters();      // default, attr, tojson, items, ...

}  // namespace nacelle::chat_template
