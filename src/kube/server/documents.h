// documents.h: discovery and OpenAPI of the kinds that are served, made once per registry.
//
// Home:    any thread.
// Source:  kubernetes-api.md sections 4 and 5, appendix B.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "kube/schema/kind.h"

namespace nacelle::kube::server {

// One document with the hash of its bytes.
struct Document {
  std::string bytes;
  std::string hash;  // hex
};
using DocumentPtr = std::shared_ptr<const Document>;

class Documents {
 public:
  // `key` is "openapi/v2", "openapi/v3", "api", "apis" (aggregated), or "api/v1", "apis/apps/v1"
  // for the OpenAPI v3 document of a group version. Null when there is none.
  [[nodiscard]] DocumentPtr get(const std::shared_ptr<const schema::Registry>& registry,
                                const std::string& key);

 private:
  std::mutex mutex_;
  std::shared_ptr<const schema::Registry> registry_;
  std::map<std::string, DocumentPtr, std::less<>> made_;
};

// The pieces, pure.
[[nodiscard]] Json aggregated_discovery(const schema::Registry& registry, bool core);
[[nodiscard]] Json legacy_resources(const schema::Registry& registry, std::string_view group,
                                    std::string_view version);
[[nodiscard]] Json legacy_group(const schema::Registry::Group& group);
[[nodiscard]] Json legacy_groups(const schema::Registry& registry);
[[nodiscard]] std::string openapi_v2(const schema::Registry& registry);  // protobuf
[[nodiscard]] Json openapi_v3(const schema::Registry& registry, std::string_view group,
                              std::string_view version);
[[nodiscard]] Json openapi_v2_json(const schema::Registry& registry);

// "api/v1" or "apis/apps/v1" of every served group version, core first.
[[nodiscard]] std::vector<std::string> group_version_paths(const schema::Registry& registry);

}  // namespace nacelle::kube::server
