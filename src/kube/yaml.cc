#include "kube/yaml.h"

#include <utility>

#include "kube/server/body.h"

namespace nacelle::kube {

Result<Json> json_of_yaml(std::string_view document) {
  auto value = server::decode_yaml(document);
  if (!value.ok()) return invalid_argument("{}", text_at(value.failure().status, {"message"}));
  return std::move(*value);
}

}  // namespace nacelle::kube
