#include "kube/patch/typed_value.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/quantity.h"
#include "kube/patch/go_text.h"

namespace nacelle::kube {
namespace {

const Json kNothing;

bool is_map(const Json& value, const MergeSchema& schema) {
  return value.is_object() && !schema.atomic_map;
}

// The element of one item; nothing when a key without a default is missing.
std::optional<std::string> element_of(const Json& item, const MergeSchema& schema) {
  if (schema.list == ListType::kSet) return "v:" + to_json_text(item);
  if (!item.is_object()) return std::nullopt;
  Json keys = Json::object();
  for (const ListKey& key : schema.keys) {
    const auto at = item.find(key.name);
    const Json& value = at == item.end() || at->is_null() ? key.default_value : *at;
    if (value.is_null() || value.is_structured()) return std::nullopt;
    keys[key.name] = value;
  }
  return "k:" + to_json_text(keys);
}

void put(FieldSet& into, const std::string& element, FieldSet child) {
  if (!child.empty()) into.children.insert_or_assign(element, std::move(child));
}

struct Item {
  const Json* before = nullptr;
  const Json* after = nullptr;
};

Comparison compare_children(const std::map<std::string, std::pair<Item, const MergeSchema*>>& all) {
  Comparison out;
  for (const auto& [element, child] : all) {
    const auto& [item, schema] = child;
    Comparison below = compare(item.before == nullptr ? kNothing : *item.before,
                               item.after == nullptr ? kNothing : *item.after, *schema);
    // An item of a keyed list exists by itself, whatever is in it.
    if (element[0] == 'k' && item.before == nullptr) below.added.member = true;
    if (element[0] == 'k' && item.after == nullptr) below.removed.member = true;
    put(out.added, element, std::move(below.added));
    put(out.modified, element, std::move(below.modified));
    put(out.removed, element, std::move(below.removed));
  }
  return out;
}

}  // namespace

bool same_value(const Json& a, const Json& b, const MergeSchema& schema) {
  return a == b || (schema.quantity && Quantity::same(a, b));
}

std::optional<std::vector<std::string>> elements_of(const Json& list, const MergeSchema& schema) {
  if (!list.is_array() || schema.list == ListType::kAtomic) return std::nullopt;
  std::vector<std::string> elements;
  std::set<std::string, std::less<>> seen;
  for (const Json& item : list) {
    auto element = element_of(item, schema);
    if (!element || !seen.insert(*element).second) return std::nullopt;
    elements.push_back(std::move(*element));
  }
  return elements;
}

FieldSet fields_of(const Json& value, const MergeSchema& schema, Containers containers) {
  FieldSet set;
  if (value.is_null()) return set;
  if (is_map(value, schema)) {
    for (const auto& [name, member] : value.items()) {
      put(set, "f:" + name, fields_of(member, schema.field(name), containers));
    }
    set.member = set.children.empty() || schema.free_form ||
                 (containers == Containers::kYes && !schema.always_there);
    return set;
  }
  const auto elements = elements_of(value, schema);
  if (!elements) {
    set.member = true;
    return set;
  }
  for (std::size_t i = 0; i < elements->size(); ++i) {
    FieldSet item = fields_of(value[i], schema.item(), containers);
    item.member = true;
    put(set, (*elements)[i], std::move(item));
  }
  set.member = set.children.empty() || (containers == Containers::kYes && !schema.always_there);
  return set;
}

Comparison compare(const Json& before, const Json& after, const MergeSchema& schema) {
  Comparison out;
  if (before.is_null() || after.is_null()) {
    out.added = fields_of(after, schema, Containers::kYes);
    out.removed = fields_of(before, schema, Containers::kYes);
    return out;
  }
  std::map<std::string, std::pair<Item, const MergeSchema*>> children;
  if (is_map(before, schema) && is_map(after, schema)) {
    for (const auto& [name, value] : before.items()) {
      children["f:" + name] = {{.before = &value}, &schema.field(name)};
    }
    for (const auto& [name, value] : after.items()) {
      auto& child = children["f:" + name];
      child.first.after = &value;
      child.second = &schema.field(name);
    }
    return compare_children(children);
  }
  const auto a = elements_of(before, schema);
  const auto b = elements_of(after, schema);
  if (a && b) {
    for (std::size_t i = 0; i < a->size(); ++i) {
      children[(*a)[i]] = {{.before = &before[i]}, &schema.item()};
    }
    for (std::size_t i = 0; i < b->size(); ++i) {
      auto& child = children[(*b)[i]];
      child.first.after = &after[i];
      child.second = &schema.item();
    }
    return compare_children(children);
  }
  if (before.type() == after.type() || (before.is_number() && after.is_number())) {
    out.modified.member = !same_value(before, after, schema);
    return out;
  }
  // Another shape: the new fields take the place, the old ones are gone.
  out.modified = fields_of(after, schema, Containers::kYes);
  out.removed = subtract(fields_of(before, schema, Containers::kYes), out.modified);
  return out;
}

void prune(Json& value, const FieldSet& given_up, const FieldSet& kept, const MergeSchema& schema) {
  static const FieldSet kNone;
  const auto below = [&](const std::string& element) -> const FieldSet& {
    const FieldSet* child = kept.child(element);
    return child == nullptr ? kNone : *child;
  };
  if (is_map(value, schema)) {
    for (const auto& [element, gone] : given_up.children) {
      const auto at = element[0] == 'f' ? value.find(element.substr(2)) : value.end();
      if (at == value.end()) continue;
      const FieldSet& stays = below(element);
      const bool was_empty = at->is_structured() && at->empty();
      if (!(gone.member && stays.empty())) prune(*at, gone, stays, schema.field(at.key()));
      const bool emptied = !was_empty && at->is_structured() && at->empty();
      if (stays.empty() && (gone.member || emptied)) value.erase(at);
    }
    return;
  }
  const auto elements = elements_of(value, schema);
  if (!elements) return;
  Json items = Json::array();
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const FieldSet* gone = given_up.child((*elements)[i]);
    const FieldSet& stays = below((*elements)[i]);
    if (gone != nullptr && gone->member && stays.empty()) continue;
    Json item = std::move(value[i]);
    if (gone != nullptr && item.is_object()) {
      Json keys = Json::object();  // an item that stays keeps what it is known by
      for (const ListKey& key : schema.keys) {
        if (const auto at = item.find(key.name); at != item.end()) keys[key.name] = *at;
      }
      prune(item, *gone, stays, schema.item());
      item.update(keys);
    }
    items.push_back(std::move(item));
  }
  value = std::move(items);
}

}  // namespace nacelle::kube
