#include "control/kube/model_unit.h"

namespace nacelle::control {

std::vector<llmd::NodeDevices> devices_of_nodes(SharedInformers& informers) {
  std::vector<llmd::NodeDevices> out;
  for (const auto& [key, node] : informers.of("v1", "Node").objects()) {
    for (llmd::NodeDevices& one : llmd::devices_of_node(*node)) out.push_back(std::move(one));
  }
  return out;
}

bool other_devices(const Json& before, const Json& now) {
  return llmd::devices_of_node(before) != llmd::devices_of_node(now);
}

}  // namespace nacelle::control
