#include "kube/pod.h"

#include <utility>

#include "kube/schema/messages.h"
#include "kube/schema/shape.h"

namespace nacelle::kube {

bool is_ready(const Json& pod) {
  if (is_being_deleted(pod)) return false;
  for (const Json& condition : list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == "Ready") {
      return text_at(condition, {"status"}) == "True";
    }
  }
  return false;
}

std::vector<std::string> remove_unknown_pod_fields(Json& pod_spec) {
  std::vector<std::string> unknown;
  schema::prune(pod_spec, *schema::node_of("PodSpec"), unknown);
  return unknown;
}

}  // namespace nacelle::kube
