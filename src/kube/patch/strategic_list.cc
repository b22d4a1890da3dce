#include "kube/patch/strategic_list.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace nacelle::kube {
namespace {

constexpr std::string_view kDirective = "$patch";

// What makes two items the same: the value of the merge key, or a scalar itself.
Result<Json> identity(const Json& item, const std::string& merge_key) {
  if (merge_key.empty()) return item;
  if (!item.is_object()) {
    return failed_precondition("list of {} holds {}, which is no map", merge_key, go_text(item));
  }
  const auto at = item.find(merge_key);
  if (at == item.end() || at->is_null()) {
    return internal("map: {} does not contain declared merge key: {}", go_text(item), merge_key);
  }
  return *at;
}

Result<std::vector<Json>> identities(const Json& list, const std::string& merge_key) {
  std::vector<Json> ids;
  for (const Json& item : list) {
    ASSIGN_OR_RETURN(Json id, identity(item, merge_key));
    ids.push_back(std::move(id));
  }
  return ids;
}

std::optional<std::size_t> place_of(const std::vector<Json>& ids, const Json& id) {
  const auto at = std::find(ids.begin(), ids.end(), id);
  if (at == ids.end()) return std::nullopt;
  return static_cast<std::size_t>(at - ids.begin());
}

// A list with the identities of its items beside it.
struct Keyed {
  std::vector<Json> items;
  std::vector<Json> ids;

  void push(Json item, Json id) {
    items.push_back(std::move(item));
    ids.push_back(std::move(id));
  }
  void erase(const Json& id) {
    for (std::size_t i = ids.size(); i-- > 0;) {
      if (ids[i] != id) continue;
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
};

// Puts `merged` in order: items of `order` as it has them, the others as `before` had them.
Keyed ordered(Keyed merged, const std::vector<Json>& order, const std::vector<Json>& before) {
  std::vector<std::size_t> named;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < merged.ids.size(); ++i) {
    (place_of(order, merged.ids[i]) ? named : others).push_back(i);
  }
  const auto by = [&](const std::vector<Json>& reference) {
    return [&merged, &reference](std::size_t a, std::size_t b) {
      const auto none = reference.size();
      return place_of(reference, merged.ids[a]).value_or(none) <
             place_of(reference, merged.ids[b]).value_or(none);
    };
  };
  std::stable_sort(named.begin(), named.end(), by(order));
  std::stable_sort(others.begin(), others.end(), by(before));
  Keyed out;
  for (std::size_t i = 0, j = 0; i < others.size() || j < named.size();) {
    bool other_first = j >= named.size();
    if (i < others.size() && j < named.size()) {
      const auto a = place_of(before, merged.ids[others[i]]);
      const auto b = place_of(before, merged.ids[named[j]]);
      other_first = a && b && *a < *b;
    }
    const std::size_t from = other_first ? others[i++] : named[j++];
    out.push(std::move(merged.items[from]), std::move(merged.ids[from]));
  }
  return out;
}

// The items of the patch must stand in the order that the patch itself asks for.
Status check_order(const std::vector<Json>& patch_ids, const std::vector<Json>& order,
                   const ListPatch& patch) {
  std::size_t next = 0;
  for (const Json& id : patch_ids) {
    while (next < order.size() && order[next] != id) ++next;
    if (next == order.size()) {
      return internal("The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                      go_text(patch.items), go_text(patch.order));
    }
    ++next;
  }
  return {};
}

// Takes `$patch` out of an item; "" when it has none.
Result<std::string> take_directive(Json& item) {
  if (!item.is_object()) return std::string();
  const auto at = item.find(kDirective);
  if (at == item.end()) return std::string();
  const Json directive = *at;
  item.erase(at);
  if (directive != "delete" && directive != "replace" && directive != "merge") {
    return internal("unknown patch type: {} in map: {}", go_text(directive), go_text(item));
  }
  return directive.get<std::string>();
}

// Directives inside of what is taken as it is have nothing to act on, and must not be stored.
Result<Json> without_directives(Json value, const MergeSchema& schema) {
  Json out;
  if (value.is_object()) {
    RETURN_IF_ERROR(strategic_merge_map(out, std::move(value), schema));
  } else if (value.is_array()) {
    RETURN_IF_ERROR(strategic_merge_list(out, {.items = std::move(value)}, schema));
  } else {
    out = std::move(value);
  }
  return out;
}

// `[{"$patch": "replace"}, items...]` and lists without a merge key.
Status replace_list(Json& target, Json items, const MergeSchema& schema) {
  Json out = Json::array();
  for (Json& item : items) {
    ASSIGN_OR_RETURN(const std::string directive, take_directive(item));
    if (!directive.empty() && (item.empty() || directive == "delete")) continue;
    ASSIGN_OR_RETURN(Json bare, without_directives(std::move(item), schema.item()));
    out.push_back(std::move(bare));
  }
  target = std::move(out);
  return {};
}

bool asks_to_replace(const Json& items) {
  return std::any_of(items.begin(), items.end(), [](const Json& item) {
    return item.is_object() && item.size() == 1 && item.value(kDirective, Json()) == "replace";
  });
}

// Merges the items of `patch` into `merged` and lists their identities in `named`.
Status merge_items(Keyed& merged, Json items, const MergeSchema& schema, std::vector<Json>& named) {
  const std::string& key = schema.merge_key;
  for (Json& item : items) {
    ASSIGN_OR_RETURN(const std::string directive, take_directive(item));
    ASSIGN_OR_RETURN(Json id, identity(item, key));
    if (directive == "delete") {
      merged.erase(id);
      continue;
    }
    named.push_back(id);
    const auto place = place_of(merged.ids, id);
    if (place && directive != "replace") {
      if (!key.empty()) {
        RETURN_IF_ERROR(strategic_merge_map(merged.items[*place], std::move(item), schema.item()));
      }
      continue;
    }
    ASSIGN_OR_RETURN(Json bare, without_directives(std::move(item), schema.item()));
    if (place) {
      merged.items[*place] = std::move(bare);
    } else {
      merged.push(std::move(bare), std::move(id));
    }
  }
  return {};
}

}  // namespace

Status strategic_merge_list(Json& target, ListPatch patch, const MergeSchema& schema) {
  const bool merges = !schema.merge_key.empty() || schema.merge_scalars;
  if (!merges || (patch.items.is_array() && asks_to_replace(patch.items))) {
    if (patch.items.is_null()) return {};  // an order for a list that has none
    return replace_list(target, std::move(patch.items), schema);
  }
  if (!target.is_array()) target = Json::array();
  ASSIGN_OR_RETURN(const std::vector<Json> before, identities(target, schema.merge_key));
  Keyed merged{.items = {target.begin(), target.end()}, .ids = before};
  if (patch.remove.is_array()) {
    for (const Json& scalar : patch.remove) merged.erase(scalar);
  }
  std::vector<Json> named;
  if (patch.items.is_array()) {
    const Json items = patch.order.is_array() ? patch.items : Json();  // for the message
    RETURN_IF_ERROR(merge_items(merged, std::move(patch.items), schema, named));
    patch.items = items;
  }
  if (patch.order.is_array()) {
    ASSIGN_OR_RETURN(const std::vector<Json> order, identities(patch.order, schema.merge_key));
    RETURN_IF_ERROR(check_order(named, order, patch));
    named = order;
  }
  Keyed sorted = ordered(std::move(merged), named, before);
  target = Json(std::move(sorted.items));
  return {};
}

}  // namespace nacelle::kube
