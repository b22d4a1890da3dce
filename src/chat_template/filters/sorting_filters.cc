// sorting_filters.cc: filters that compare items: sort, unique, groupby, dictsort, min, max.
#include "chat_template/eval/interpreter.h"
#include "chat_template/filters/attribute_path.h"
#include "chat_template/filters/tables.h"
#include "chat_template/text/python_string.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/lazy_list.h"
#include "chat_template/value/sort.h"

namespace nacelle::chat_template {
namespace {

// Items in the order of their keys.
Result<Value> sorted_by(Interpreter& interpreter, const std::vector<Value>& items,
                        const std::vector<Value>& keys, bool reverse) {
  ASSIGN_OR_RETURN(const auto order, sorted_order(interpreter.runtime(), keys, reverse));
  std::vector<Value> sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) sorted.push_back(items[i]);
  return make_list(interpreter.runtime(), std::move(sorted));
}

// The keys of `items` at the end of `path`.
Result<std::vector<Value>> keys_of(Interpreter& interpreter, const std::vector<Value>& items,
                                   const AttributePath& path, bool case_sensitive,
                                   const Value& fallback = Value::none()) {
  std::vector<Value> keys;
  keys.reserve(items.size());
  for (const Value& item : items) {
    ASSIGN_OR_RETURN(const Value key, path.follow(interpreter, item, fallback));
    keys.push_back(comparison_key(interpreter.runtime(), key, case_sensitive));
    RETURN_IF_ERROR(interpreter.runtime().spend(1));
  }
  return keys;
}

Result<Value> sort(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("sort", args, {"value", "reverse", "case_sensitive", "attribute"}, 1));
  Runtime& runtime = interpreter.runtime();
  const bool case_sensitive = bound.flag(2, false);
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, bound[0]));
  const Value attribute = bound.get(3, Value::none());
  // "a,b" sorts by a and then by b.
  std::vector<AttributePath> paths;
  if (attribute.is_string()) {
    for (const std::string_view part : split(attribute.text(), ",", -1, Side::kLeft)) {
      ASSIGN_OR_RETURN(AttributePath path,
                       AttributePath::parse(runtime, make_string(runtime, part)));
      paths.push_back(std::move(path));
    }
  } else {
    ASSIGN_OR_RETURN(AttributePath path, AttributePath::parse(runtime, attribute));
    paths.push_back(std::move(path));
  }
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> key;
    for (const AttributePath& path : paths) {
      ASSIGN_OR_RETURN(const Value part, path.follow(interpreter, item, Value::none()));
      key.push_back(comparison_key(runtime, part, case_sensitive));
    }
    keys.push_back(make_list(runtime, std::move(key)));
    RETURN_IF_ERROR(runtime.spend(paths.size()));
  }
  return sorted_by(interpreter, items, keys, bound.flag(1, false));
}

Result<Value> dictsort(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("dictsort", args, {"value", "case_sensitive", "by", "reverse"}, 1));
  Runtime& runtime = interpreter.runtime();
  std::string_view by = "key";
  if (bound.has(2)) {
    ASSIGN_OR_RETURN(by, to_string_view("the argument 'by'", bound[2]));
  }
  if (by != "key" && by != "value") {
    return invalid_argument("You can only sort by either \"key\" or \"value\"");
  }
  if (bound[0].is_undefined()) return undefined_error(bound[0]);
  if (!bound[0].is(Kind::kDict)) {
    return invalid_argument("dictsort needs a mapping, not '{}'", kind_name(bound[0]));
  }
  std::vector<Value> items;
  std::vector<Value> keys;
  for (const auto& [key, value] : bound[0].dict().entries()) {
    RETURN_IF_ERROR(runtime.spend(1));
    items.push_back(make_tuple(runtime, {key, value}));
    keys.push_back(comparison_key(runtime, by == "key" ? key : value, bound.flag(1, false)));
  }
  return sorted_by(interpreter, items, keys, bound.flag(3, false));
}

Result<std::vector<Value>> unique_items(Interpreter& interpreter, const Value& value,
                                        bool case_sensitive, const Value& attribute) {
  Runtime& runtime = interpreter.runtime();
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::parse(runtime, attribute));
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, value));
  ASSIGN_OR_RETURN(const auto keys, keys_of(interpreter, items, path, case_sensitive));
  const Value seen = make_dict(runtime);
  std::vector<Value> result;
  for (std::size_t i = 0; i < items.size(); ++i) {
    ASSIGN_OR_RETURN(const Value* found, seen.dict().find(keys[i]));
    if (found != nullptr) continue;
    RETURN_IF_ERROR(seen.dict().set(keys[i], Value::none()));
    result.push_back(items[i]);
  }
  return result;
}

Result<Value> unique(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("unique", args, {"value", "case_sensitive", "attribute"}, 1));
  return make_lazy_list(interpreter.runtime(),
                        [value = bound[0], case_sensitive = bound.flag(1, false),
                         attribute = bound.get(2, Value::none())](Interpreter& later) {
                          return unique_items(later, value, case_sensitive, attribute);
                        });
}

template <bool wants_largest>
Result<Value> extreme(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("min", args, {"value", "case_sensitive", "attribute"}, 1));
  Runtime& runtime = interpreter.runtime();
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, bound[0]));
  if (items.empty()) {
    return UndefinedObject::hinted(runtime, "No aggregated item, sequence was empty.");
  }
  ASSIGN_OR_RETURN(const AttributePath path,
                   AttributePath::parse(runtime, bound.get(2, Value::none())));
  ASSIGN_OR_RETURN(const auto keys, keys_of(interpreter, items, path, bound.flag(1, false)));
  std::size_t best = 0;
  for (std::size_t i = 1; i < items.size(); ++i) {
    ASSIGN_OR_RETURN(const bool is_better, wants_largest
                                               ? value_less(runtime, keys[best], keys[i])
                                               : value_less(runtime, keys[i], keys[best]));
    if (is_better) best = i;
  }
  return items[best];
}

Result<Value> groupby(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("groupby", args, {"value", "attribute", "default", "case_sensitive"}, 2));
  Runtime& runtime = interpreter.runtime();
  const Value fallback = bound.get(2, Value::none());
  ASSIGN_OR_RETURN(const AttributePath path, AttributePath::parse(runtime, bound[1]));
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, bound[0]));
  ASSIGN_OR_RETURN(const auto keys,
                   keys_of(interpreter, items, path, bound.flag(3, false), fallback));
  ASSIGN_OR_RETURN(const auto order, sorted_order(runtime, keys, false));
  std::vector<Value> groups;
  for (std::size_t begin = 0; begin < order.size();) {
    std::vector<Value> members;
    std::size_t end = begin;
    for (; end < order.size(); ++end) {
      ASSIGN_OR_RETURN(const bool same,
                       values_equal(runtime, keys[order[begin]], keys[order[end]]));
      if (!same) break;
      members.push_back(items[order[end]]);
    }
    if (end == begin) members.push_back(items[order[end++]]);  // a NaN equals nothing
    // The group is named by its first member, in that member's own case.
    ASSIGN_OR_RETURN(const Value name, path.follow(interpreter, members.front(), fallback));
    const Value group = make_tuple(runtime, {name, make_list(runtime, std::move(members))});
    group.list().is_group = true;
    groups.push_back(group);
    begin = end;
  }
  return make_list(runtime, std::move(groups));
}

constexpr FilterEntry kFilters[] = {
    {"dictsort", &dictsort},  {"groupby", &groupby}, {"max", &extreme<true>},
    {"min", &extreme<false>}, {"sort", &sort},       {"unique", &unique},
};

}  // namespace

std::span<const FilterEntry> sorting_filters() { return kFilters; }

}  // namespace nacelle::chat_template
