#include "gateway/config/compile.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "gateway/config/compiler.h"

namespace nacelle::gateway {

bool References::granted(std::string_view from_group, std::string_view from_kind,
                         std::string_view from_namespace, const ObjectRef& target) const {
  if (target.name_space == from_namespace) return true;
  return std::any_of(objects_.grants.begin(), objects_.grants.end(), [&](const GrantObject& grant) {
    if (grant.meta.name_space != target.name_space) return false;
    const bool from = std::any_of(grant.from.begin(), grant.from.end(), [&](const ObjectRef& f) {
      return f.group == from_group && f.kind == from_kind && f.name_space == from_namespace;
    });
    const bool to = std::any_of(grant.to.begin(), grant.to.end(), [&](const ObjectRef& t) {
      return t.group == target.group && t.kind == target.kind &&
             (t.name.empty() || t.name == target.name);
    });
    return from && to;
  });
}

void References::refuse(const ObjectRef& ref, std::string_view why, std::string_view reason) {
  unresolved_.add(ref.where, why);
  if (finding_ != nullptr) finding_->fail(reason.empty() ? missing_reason_ : reason, why);
}

void References::missing(const ObjectRef& ref, std::string_view kind,
                         const std::vector<std::string_view>& names) {
  refuse(ref, fmt::format("there is no {} {}/{}{}", kind, ref.name_space, ref.name,
                          did_you_mean(ref.name, names)));
}

std::string References::value(const ObjectList<SecretObject>& list, const ObjectRef& ref,
                              std::string_view kind, const std::string& key) {
  const SecretObject* object = find(list, ref, kind);
  if (object == nullptr) return "";
  const auto found = object->data.find(key);
  if (found == object->data.end() || found->second.empty()) {
    refuse(ref, fmt::format("{} {}/{} has no '{}'", kind, ref.name_space, ref.name, key));
    return "";
  }
  return found->second;
}

namespace {

// Policies whose targets do not exist are typing errors.
void check_policy_targets(References& references) {
  const Objects& objects = references.objects();
  const auto check = [&](const ObjectRef& target) {
    if (target.kind == "Service") {
      (void)references.find(objects.services, target, "Service");
    } else if (target.kind == "InferencePool") {
      (void)references.find(objects.pools, target, "InferencePool");
    } else if (target.kind == "Backend") {
      (void)references.find(objects.backends, target, "Backend");
    } else if (target.kind == "HTTPRoute") {
      (void)references.find(objects.routes, target, "HTTPRoute");
    } else {
      references.refuse(target, fmt::format("kind '{}' cannot be a target here; Service, "
                                            "InferencePool, Backend and HTTPRoute can",
                                            target.kind));
    }
  };
  for (const PolicyObject& policy : objects.policies) {
    for (const ObjectRef& target : policy.targets) check(target);
  }
  for (const StaticEndpointsObject& list : objects.endpoints) {
    for (const ObjectRef& target : list.targets) check(target);
  }
}

GatewayModel compile(const Objects& objects, Problems& problems, Problems& missing,
                     CompileReport& report) {
  References references(objects, problems, missing, report);
  GatewayModel model;
  if (objects.settings) model.settings = *objects.settings;
  check_policy_targets(references);
  const std::vector<PlacedListener> listeners = place_listeners(references, model);
  Clusters clusters(references);
  attach_routes(references, clusters, listeners, model);
  model.clusters = clusters.take();
  show_client_certificate(references, listeners, model.clusters);
  settle_bodies(model);
  return model;
}

}  // namespace

Result<GatewayModel> compile_model(const Objects& objects) {
  Problems problems, missing;
  CompileReport report;
  GatewayModel model = compile(objects, problems, missing, report);
  if (model.ports.empty() && problems.empty() && missing.empty())
    problems.add("configuration", "there is no Gateway with a listener");
  if (problems.empty()) {
    RETURN_IF_ERROR(missing.status());
    return model;
  }
  std::string text = problems.status().message();
  if (!missing.empty()) text += "\n" + missing.status().message();
  return Status(Code::kInvalidArgument, std::move(text));
}

GatewayModel compile_what_holds(const Objects& objects, Problems& problems, CompileReport& report) {
  return compile(objects, problems, problems, report);
}

}  // namespace nacelle::gateway
