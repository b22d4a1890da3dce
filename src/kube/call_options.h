// call_options.h: what a call of an API server can be told.
//
// Home:    values.
// Source:  kubernetes-api.md sections 7, 9, 11 to 14.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kube/resource.h"

namespace nacelle::kube {

enum class PatchType : std::uint8_t {
  kJson,       // RFC 6902: a list of operations
  kMerge,      // RFC 7386: null deletes, lists are replaced
  kStrategic,  // lists are merged by key; built-in kinds only
  kApply,      // server-side apply: what this manager wants, all of it
};
[[nodiscard]] constexpr const char* content_type(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      break;
  }
  return "application/apply-patch+yaml";  // JSON is YAML
}

enum class FieldValidation : std::uint8_t { kDefault, kIgnore, kWarn, kStrict };

struct WriteOptions {
  WriteOptions() {}
  std::string field_manager;  // "": the client's
  FieldValidation validation = FieldValidation::kDefault;
  bool dry_run = false;  // everything but storing it
  // Of kApply: take fields from their owners. Without it, 409 names them.
  bool force = false;

  [[nodiscard]] static WriteOptions forced() {
    WriteOptions out;
    out.force = true;
    return out;
  }
};

struct ListOptions {
  ListOptions() {}
  std::string label_selector, field_selector;
  std::string resource_version;  // "": the newest; "0": any, from a cache
  int page_objects = 500;
};

enum class Propagation : std::uint8_t { kDefault, kBackground, kForeground, kOrphan };

struct DeleteOptions {
  DeleteOptions() {}
  Propagation propagation = Propagation::kDefault;
  std::optional<int> grace_seconds;
  // Preconditions: 409 when the object is another one.
  std::string uid, resource_version;
  bool dry_run = false;
};

// As queries of a path. `force` counts for kApply only, where it is always said.
[[nodiscard]] Query query_of(const WriteOptions& options, const std::string& field_manager,
                             bool apply);
[[nodiscard]] std::string body_of(const DeleteOptions& options);  // a DeleteOptions object

}  // namespace nacelle::kube
