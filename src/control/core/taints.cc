#include "control/core/taints.h"

#include <algorithm>

namespace nacelle::control {
namespace {

std::string text(const kube::Json& object, std::string_view name) {
  return std::string(kube::text_at(object, {name}));
}

}  // namespace

std::vector<Taint> taints_of(const kube::Json& node) {
  std::vector<Taint> out;
  for (const kube::Json& one : kube::list_at(node, {"spec", "taints"})) {
    out.push_back({text(one, "key"), text(one, "value"), text(one, "effect")});
  }
  return out;
}

std::vector<Toleration> tolerations_of(const kube::Json& pod) {
  std::vector<Toleration> out;
  for (const kube::Json& one : kube::list_at(pod, {"spec", "tolerations"})) {
    Toleration toleration;
    toleration.key = text(one, "key");
    toleration.exists = text(one, "operator") == "Exists";
    toleration.value = text(one, "value");
    toleration.effect = text(one, "effect");
    toleration.seconds = kube::number_at(one, {"tolerationSeconds"});
    out.push_back(std::move(toleration));
  }
  return out;
}

bool tolerates(const std::vector<Toleration>& tolerations, const Taint& taint) {
  return std::any_of(tolerations.begin(), tolerations.end(),
                     [&](const Toleration& one) { return one.matches(taint); });
}

}  // namespace nacelle::control
