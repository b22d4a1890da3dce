// catalog.h: the kinds that an API server has, and which one a word means.
//
// Home:    the client's loop; find() and parse() are pure.
// Errors:  load(): those of the client. find(): not_found in kubectl's words.
// Source:  kubernetes-api.md section 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "kube/client.h"

namespace nacelle::cli {

struct ResourceType {
  kube::Resource resource;
  std::string kind, singular;
  bool namespaced = true;
  std::vector<std::string> short_names, categories, verbs;

  [[nodiscard]] bool can(std::string_view verb) const;
  // "deployment.apps/web", "pod/web".
  [[nodiscard]] std::string label(std::string_view name) const;
};

class KindCatalog {
 public:
  // Two requests where the server knows aggregated discovery, else one for each group version.
  [[nodiscard]] static async::Task<Result<KindCatalog>> load(kube::Client& client);
  // Of the answers of /api and /apis, or of the lists of group versions.
  [[nodiscard]] static KindCatalog parse(const std::vector<kube::Json>& answers);

  // "pods", "po", "Pod", "deployments.apps", "deploy.apps", "deployments.v1.apps", or a category.
  [[nodiscard]] Result<std::vector<ResourceType>> find(std::string_view word) const;
  // Nothing when the server does not have it.
  [[nodiscard]] std::optional<ResourceType> of_object(const kube::Json& object) const;
  [[nodiscard]] const std::vector<ResourceType>& types() const { return types_; }

 private:
  std::vector<ResourceType> types_;  // in the server's order: core first, preferred versions first
};

}  // namespace nacelle::cli
