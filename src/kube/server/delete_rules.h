// delete_rules.h: what a DELETE makes of an object.
//
// Home:    pure.
// Source:  kubernetes-api.md section 14.
#pragma once

#include <optional>
#include <string>

#include "kube/server/failure.h"
#include "kube/server/request.h"
#include "kube/store.h"

namespace nacelle::kube::server {

struct DeleteOptions {
  std::optional<std::int64_t> grace_s;
  std::string uid, version;  // preconditions
  std::string policy;        // "Background", "Foreground", "Orphan", "" (not asked)
  bool dry_run = false;
};
// From the body, or the query when there is none.
[[nodiscard]] Try<DeleteOptions> parse_delete_options(const std::string& body,
                                                      const std::string& content_type,
                                                      const Parameters& parameters);

struct Deletion {
  Json object;          // the state to store, or the last one
  bool write = true;    // false: it is being deleted already
  bool remove = false;  // nothing holds it
};
[[nodiscard]] Try<Deletion> decide_deletion(const StoredObject& now, const schema::Kind& kind,
                                            const DeleteOptions& options, std::int64_t now_s);

}  // namespace nacelle::kube::server
