// write_rules.h: what becomes of the body of a create or an update before it is stored.
//
// Bodies are of the request's version, stored objects of the stored one.
//
// Home:    pure: time, ids and addresses come in by WriteContext.
// Source:  kubernetes-api.md sections 8, 11, 13, 15, 18.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/admission.h"
#include "kube/schema/defaults.h"
#include "kube/schema/kind.h"
#include "kube/server/body.h"
#include "kube/server/request.h"

namespace nacelle::kube::server {

struct WriteContext {
  const schema::Kind* kind = nullptr;
  std::string name_space;   // of the URL
  std::string name;         // of the URL; "" for creates
  std::string subresource;  // "", "status"
  WriteOptions options;
  std::string now;                      // "2026-11-29T21:00:00Z"
  std::string manager;                  // resolved
  std::string uid;                      // for a new object
  std::function<std::string()> suffix;  // five random characters, for generateName
  schema::DefaultsContext defaults;
  // Fills in what the server itself says of an object (a CRD's status). May be null.
  std::function<void(Json& object)> finish;
  Admission admission;  // of the kind; null when nobody is asked
  // What it warned of, of the last attempt. Not null beside an admission.
  std::shared_ptr<std::vector<std::string>> said;
};

// Unknown and duplicate fields are dropped, and said or refused; types are checked; apiVersion and
// kind are those of the URL.
[[nodiscard]] Try<Json> admit_body(Body body, const WriteContext& context,
                                   std::vector<std::string>& warnings);

// The object to store.
[[nodiscard]] Try<Json> prepare_create(Json body, const WriteContext& context);

enum class UpdateKind : std::uint8_t {
  kReplace,  // PUT: the body's resourceVersion decides
  kPatch,    // a patched object
  kApply,    // the same, with managedFields set by server-side apply
};

struct Update {
  Json object;           // to store
  bool changed = false;  // false: nothing but times of managedFields would
};
[[nodiscard]] Try<Update> prepare_update(const Json& before, Json body, UpdateKind how,
                                         const WriteContext& context);

// Between the stored and the request's version.
[[nodiscard]] Json to_storage(Json object, const schema::Kind& kind);
[[nodiscard]] Json from_storage(const Json& object, const schema::Kind& kind);

}  // namespace nacelle::kube::server
