// The merge of an apply, and what makes a body unfit for it.
#include <algorithm>
#include <map>
#include <set>

#include "kube/patch/go_text.h"
#include "kube/patch/typed_value.h"

namespace nacelle::kube {
namespace {

const Json kNothing;

// Positions by element; the first of those that a list repeats.
std::map<std::string, std::size_t, std::less<>> places(const std::vector<std::string>& elements) {
  std::map<std::string, std::size_t, std::less<>> out;
  for (std::size_t i = 0; i < elements.size(); ++i) out.emplace(elements[i], i);
  return out;
}

Json merge_lists(const Json& live, const std::vector<std::string>& live_elements,
                 const Json& config, const std::vector<std::string>& config_elements,
                 const MergeSchema& schema) {
  const auto in_live = places(live_elements);
  const auto in_config = places(config_elements);
  std::vector<std::string> shared;  // in the order of the config
  for (const std::string& element : config_elements) {
    if (in_live.contains(element)) shared.push_back(element);
  }
  Json out = Json::array();
  std::size_t next_shared = 0;
  const auto push_config = [&](std::size_t place) {
    const auto at = in_live.find(config_elements[place]);
    const Json& before = at == in_live.end() ? kNothing : live[at->second];
    out.push_back(schema.list == ListType::kSet
                      ? config[place]
                      : merge_applied(before, config[place], schema.item()));
    if (next_shared < shared.size() && shared[next_shared] == config_elements[place]) ++next_shared;
  };
  std::size_t l = 0;
  std::size_t c = 0;
  while (l < live_elements.size() || c < config_elements.size()) {
    if (l < live_elements.size()) {
      const std::string& element = live_elements[l];
      if (!in_config.contains(element)) {
        out.push_back(live[l++]);
        continue;
      }
      const bool wanted_now = next_shared < shared.size() && shared[next_shared] == element;
      if (!wanted_now || c >= config_elements.size()) {
        ++l;  // it comes, or came, where the config has it
        continue;
      }
      if (element == config_elements[c]) ++l;
    }
    push_config(c++);
  }
  return out;
}

struct TypeChecker {
  std::vector<std::string> errors;

  void check(const Json& value, const MergeSchema& schema, const std::string& path) {
    if (value.is_null()) return;
    if (schema.list != ListType::kAtomic && !value.is_array()) {
      errors.push_back(path + ": expected list, got " + go_text(value));
      return;
    }
    if (!schema.fields.empty() && !value.is_object()) {
      errors.push_back(path + ": expected map, got " + go_text(value));
      return;
    }
    if (value.is_object() && !schema.atomic_map) {
      for (const auto& [name, member] : value.items()) {
        check(member, schema.field(name), path + "." + name);
      }
    } else if (value.is_array() && schema.list != ListType::kAtomic) {
      check_list(value, schema, path);
    }
  }

  void check_list(const Json& list, const MergeSchema& schema, const std::string& path) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto element = elements_of(Json::array({list[i]}), schema);
      if (!element) {
        errors.push_back(path + ": element " + std::to_string(i) + missing_key(list[i], schema));
        continue;
      }
      FieldSet only;
      only.children[element->front()].member = true;
      const std::string text = paths_of(only).front();
      if (!seen.insert(text).second) {
        errors.push_back(path + ": duplicate entries for key " + text);
        continue;
      }
      if (schema.list == ListType::kMap) check(list[i], schema.item(), path + text);
    }
  }

  static std::string missing_key(const Json& item, const MergeSchema& schema) {
    if (!item.is_object()) return ": expected map, got " + go_text(item);
    for (const ListKey& key : schema.keys) {
      const auto at = item.find(key.name);
      const bool absent = at == item.end() || at->is_null();
      if (absent && key.default_value.is_null()) {
        return ": associative list with keys has an element that omits key field \"" + key.name +
               "\" (and doesn't have default value)";
      }
      if (!absent && at->is_structured()) return ": key " + key.name + " is no scalar";
    }
    return ": is no item of this list";
  }
};

}  // namespace

Json merge_applied(const Json& live, const Json& config, const MergeSchema& schema) {
  if (config.is_null()) return live;
  if (config.is_object() && !schema.atomic_map) {
    Json out = live.is_object() ? live : Json::object();
    for (const auto& [name, value] : config.items()) {
      if (value.is_null()) continue;
      const auto at = out.find(name);
      Json merged = merge_applied(at == out.end() ? kNothing : *at, value, schema.field(name));
      out[name] = std::move(merged);
    }
    return out;
  }
  if (const auto wanted = elements_of(config, schema)) {
    const auto there = elements_of(live, schema);
    return merge_lists(there ? live : Json::array(), there.value_or(std::vector<std::string>()),
                       config, *wanted, schema);
  }
  return same_value(live, config, schema) ? live : config;
}

std::vector<std::string> type_errors(const Json& value, const MergeSchema& schema) {
  TypeChecker checker;
  checker.check(value, schema, "");
  return std::move(checker.errors);
}

}  // namespace nacelle::kube
