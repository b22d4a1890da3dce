#include "provider/body_mutation.h"

#include "provider/json/json.h"

namespace nacelle::provider {

Result<std::string> mutate_body(std::string_view body, const BodyMutation& mutation) {
  if (mutation.empty()) return std::string(body);
  ASSIGN_OR_RETURN(json::Json tree, json::parse_object(body));
  for (const std::string& name : mutation.remove) tree.erase(name);
  for (const auto& [name, value] : mutation.set) {
    auto parsed = json::parse(value);
    tree[name] = parsed ? std::move(*parsed) : json::Json(value);
  }
  return json::dump(tree);
}

}  // namespace nacelle::provider
