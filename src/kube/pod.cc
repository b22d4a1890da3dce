#include "kube/pod.h"

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

}  // namespace nacelle::kube
