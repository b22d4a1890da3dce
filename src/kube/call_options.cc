#include "kube/call_options.h"

#include "kube/object.h"

namespace nacelle::kube {

Query query_of(const WriteOptions& options, const std::string& field_manager, bool apply) {
  constexpr const char* kValidation[] = {"", "Ignore", "Warn", "Strict"};
  Query out{{"fieldManager", options.field_manager.empty() ? field_manager : options.field_manager},
            {"fieldValidation", kValidation[static_cast<std::size_t>(options.validation)]},
            {"dryRun", options.dry_run ? "All" : ""}};
  if (apply) out.emplace_back("force", options.force ? "true" : "false");
  return out;
}

std::string body_of(const DeleteOptions& options) {
  constexpr const char* kPropagation[] = {"", "Background", "Foreground", "Orphan"};
  Json out{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (options.propagation != Propagation::kDefault) {
    out["propagationPolicy"] = kPropagation[static_cast<std::size_t>(options.propagation)];
  }
  if (options.grace_seconds) out["gracePeriodSeconds"] = *options.grace_seconds;
  if (!options.uid.empty()) out["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    out["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.dry_run) out["dryRun"] = Json::array({"All"});
  return out.dump();
}

}  // namespace nacelle::kube
