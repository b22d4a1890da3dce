#include "kube/server/write_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "kube/schema/names.h"
#include "kube/schema/rules.h"
#include "kube/server/inert_kinds.h"
#include "kube/server_side_apply.h"

namespace nacelle::kube::server {
namespace {

constexpr std::size_t kMaxGeneratedPrefix = 58;

std::string strict_message(const std::vector<std::string>& problems) {
  std::string out;
  for (const std::string& one : problems) out += (out.empty() ? "" : ", ") + one;
  return out;
}

constexpr const char* kRulesWarning =
    "x-kubernetes-validations are kept and shown, but not evaluated by this server";

// A CRD's rules in CEL anywhere below.
bool has_rules(const Json& value, std::size_t depth) {
  if (!value.is_structured() || depth > schema::kMaxDepth) return false;
  if (value.is_object() && value.contains("x-kubernetes-validations")) return true;
  return std::any_of(value.begin(), value.end(),
                     [depth](const Json& child) { return has_rules(child, depth + 1); });
}

std::optional<Failure> check_type(Json& object, const schema::Kind& kind) {
  const std::string version(text_at(object, {"apiVersion"}));
  const std::string name(text_at(object, {"kind"}));
  if (version.empty() && name.empty() && !kind.custom) {
    object["apiVersion"] = kind.api_version();
    object["kind"] = kind.kind;
    return std::nullopt;
  }
  if (name.empty()) {
    return bad_request(
        fmt::format("Object 'Kind' is missing in '{}'", object.dump().substr(0, 200)));
  }
  if (name != kind.kind) {
    return bad_request(
        fmt::format("{} in version \"{}\" cannot be handled as a {}: converting ({}).{} "
                    "to ({}).{}: unknown conversion",
                    name, version, kind.kind, version, name, kind.api_version(), kind.kind));
  }
  if (version != kind.api_version()) {
    return bad_request(
        fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                    version, kind.api_version()));
  }
  return std::nullopt;
}

Json& metadata_of(Json& object) {
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  return metadata;
}

std::optional<Failure> check_place(const Json& object, const WriteContext& context) {
  const std::string name_space(text_at(object, {"metadata", "namespace"}));
  if (!name_space.empty() && name_space != context.name_space) {
    return bad_request(
        context.kind->namespaced
            ? "the namespace of the provided object does not match the namespace sent on "
              "the request"
            : "namespace may not be set on an object of the cluster");
  }
  const std::string name(text_at(object, {"metadata", "name"}));
  if (!context.name.empty() && !name.empty() && name != context.name) {
    return bad_request(fmt::format(
        "the name of the object ({}) does not match the name on the URL ({})", name, context.name));
  }
  return std::nullopt;
}

void drop_empty(Json& metadata) {
  for (const char* name : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    const auto field = metadata.find(name);
    if (field != metadata.end() && field->empty()) metadata.erase(field);
  }
  for (const char* name : {"selfLink", "clusterName"}) metadata.erase(name);
}

// Structure and defaults that a CRD's schema states, in the version of the request.
void shape_custom(Json& object, const schema::Kind& kind, schema::Findings& findings) {
  if (!kind.custom) {
    schema::normalize(object, *kind.node);
    return;
  }
  schema::fill_defaults(object, *kind.node);
  schema::validate(object, *kind.node, "", findings);
}

void ask_admission(Json& object, const Json* before, const WriteContext& context,
                   schema::Findings& findings) {
  if (!context.admission || !context.subresource.empty()) return;
  AdmissionAnswer answer = context.admission(object, before);
  for (AdmissionAnswer::Cause& cause : answer.causes) {
    findings.push_back({std::move(cause.reason), std::move(cause.field), std::move(cause.message)});
  }
  *context.said = std::move(answer.warnings);
}

Failure refused(const schema::Kind& kind, const Json& object, const schema::Findings& findings) {
  return invalid(kind.group, kind.kind, text_at(object, {"metadata", "name"}), findings);
}

Writer writer_of(const WriteContext& context) {
  return {.manager = context.manager,
          .api_version = context.kind->api_version(),
          .subresource = context.subresource,
          .time = context.now,
          .has_status = context.kind->has_status};
}

// True when nothing but bookkeeping differs.
bool same_object(const Json& before, const Json& after) {
  Json a = before;
  Json b = after;
  for (Json* one : {&a, &b}) {
    Json& metadata = metadata_of(*one);
    for (const char* name : {"managedFields", "resourceVersion", "generation"})
      metadata.erase(name);
  }
  return a == b;
}

// What counts as a new generation: everything but metadata and, beside a subresource, status.
bool is_new_generation(const Json& before, const Json& after, const schema::Kind& kind) {
  Json a = before;
  Json b = after;
  for (Json* one : {&a, &b}) {
    one->erase("metadata");
    if (kind.has_status) one->erase("status");
  }
  return a != b;
}

// Fields that only the server sets stay as they were.
void keep_server_fields(const Json& before, Json& after) {
  Json& metadata = metadata_of(after);
  const Json& old = map_at(before, {"metadata"});
  for (const char* name :
       {"name", "namespace", "uid", "creationTimestamp", "generation", "generateName",
        "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"}) {
    if (old.contains(name)) {
      metadata[name] = old[name];
    } else {
      metadata.erase(name);
    }
  }
}

std::optional<Failure> check_preconditions(const Json& before, const Json& body, UpdateKind how,
                                           const WriteContext& context) {
  const schema::Kind& kind = *context.kind;
  const std::string uid(text_at(body, {"metadata", "uid"}));
  const std::string_view stored_uid = text_at(before, {"metadata", "uid"});
  if (!uid.empty() && uid != stored_uid) {
    if (how == UpdateKind::kReplace) {
      return conflict(
          kind, context.name,
          fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                      stored_uid));
    }
    return refused(kind, body, {schema::invalid("metadata.uid", uid, "field is immutable")});
  }
  const std::string version(version_of(body));
  if (!version.empty() && version != version_of(before)) return modified(kind, context.name);
  if (version.empty() && how == UpdateKind::kReplace && (kind.custom || kind.create_on_update)) {
    return refused(
        kind, body,
        {schema::invalid("metadata.resourceVersion", 0, "must be specified for an update")});
  }
  return std::nullopt;
}

// What the server gave an object once and its author need not repeat.
void keep_allocations(const Json& before, const schema::Kind& kind, Json& body) {
  const bool is_service = kind.collection == "services";
  if (!is_service && kind.collection != "namespaces") return;
  Json& spec = body["spec"];
  if (!spec.is_object()) spec = Json::object();
  const Json& old = map_at(before, {"spec"});
  if (!is_service) {
    if (old.contains("finalizers")) spec["finalizers"] = old["finalizers"];
    return;
  }
  if (!text_at(spec, {"clusterIP"}).empty() || spec.value("type", "") == "ExternalName") return;
  for (const char* name : {"clusterIP", "clusterIPs"}) {
    if (old.contains(name)) spec[name] = old[name];
  }
}

// Which part of the body an update of this endpoint takes.
Json merged_endpoint(const Json& before, Json body, const WriteContext& context) {
  const schema::Kind& kind = *context.kind;
  if (context.subresource == "status") {
    Json out = before;
    if (body.contains("status")) {
      out["status"] = std::move(body["status"]);
    } else {
      out.erase("status");
    }
    Json& metadata = metadata_of(out);
    const Json& given = map_at(body, {"metadata"});
    for (const char* name : {"annotations", "managedFields"}) {
      if (kind.custom && std::string_view(name) == "annotations") continue;
      if (given.contains(name)) {
        metadata[name] = given[name];
      } else {
        metadata.erase(name);
      }
    }
    return out;
  }
  keep_allocations(before, kind, body);
  if (kind.has_status) {
    if (before.contains("status")) {
      body["status"] = before["status"];
    } else {
      body.erase("status");
    }
  }
  return body;
}

}  // namespace

Json to_storage(Json object, const schema::Kind& kind) {
  if (kind.to_storage) object = kind.to_storage(std::move(object));
  object["apiVersion"] = kind.storage_version;
  return object;
}

Json from_storage(const Json& object, const schema::Kind& kind) {
  Json out = kind.from_storage ? kind.from_storage(object) : object;
  out["apiVersion"] = kind.api_version();
  return out;
}

Try<Json> admit_body(Body body, const WriteContext& context, std::vector<std::string>& warnings) {
  const schema::Kind& kind = *context.kind;
  if (auto failure = check_type(body.object, kind)) return std::move(*failure);
  std::vector<std::string> unknown;
  schema::prune(body.object, *kind.node, unknown);
  std::vector<std::string> problems;
  for (const std::string& path : unknown)
    problems.push_back(fmt::format("unknown field \"{}\"", path));
  for (const std::string& path : body.duplicates) {
    problems.push_back(fmt::format("duplicate field \"{}\"", path));
  }
  if (!problems.empty() && context.options.validation == FieldValidation::kStrict) {
    return bad_request(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: strict decoding "
                    "error: {2}",
                    kind.kind, kind.version, strict_message(problems)));
  }
  if (context.options.validation == FieldValidation::kWarn) {
    warnings.insert(warnings.end(), problems.begin(), problems.end());
  }
  const schema::Node& shape = kind.custom ? *kind.node->properties.at("metadata") : *kind.node;
  const Json& checked = kind.custom ? map_at(body.object, {"metadata"}) : body.object;
  if (std::string wrong =
          schema::wrong_type(checked, shape, kind.custom ? "ObjectMeta" : kind.kind);
      !wrong.empty()) {
    return bad_request(fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}",
                                   kind.kind, kind.version, wrong));
  }
  if (kind.custom && body.object.contains("metadata") && !body.object["metadata"].is_object()) {
    return bad_request("metadata is no object");
  }
  if (kind.kind == "CustomResourceDefinition" && !kind.custom && has_rules(body.object, 0)) {
    warnings.emplace_back(kRulesWarning);
  }
  return std::move(body.object);
}

Try<Json> prepare_create(Json object, const WriteContext& context) {
  const schema::Kind& kind = *context.kind;
  if (auto failure = check_place(object, context)) return std::move(*failure);
  Json& metadata = metadata_of(object);
  if (!text_at(metadata, {"resourceVersion"}).empty()) {
    return make_failure(500, "", "resourceVersion should not be set on objects to be created");
  }
  for (const char* name : {"uid", "creationTimestamp", "generation", "deletionTimestamp",
                           "deletionGracePeriodSeconds", "resourceVersion"}) {
    metadata.erase(name);
  }
  if (text_at(metadata, {"name"}).empty() && !text_at(metadata, {"generateName"}).empty()) {
    std::string prefix(text_at(metadata, {"generateName"}));
    if (prefix.size() > kMaxGeneratedPrefix) prefix.resize(kMaxGeneratedPrefix);
    metadata["name"] = prefix + context.suffix();
  }
  if (kind.namespaced) {
    metadata["namespace"] = context.name_space;
  } else {
    metadata.erase("namespace");
  }
  // A node says with its first words what it has.
  if (kind.has_status && kind.collection != "nodes") object.erase("status");
  schema::Findings findings;
  shape_custom(object, kind, findings);
  object = to_storage(std::move(object), kind);
  Json& stored = metadata_of(object);
  stored["uid"] = context.uid;
  stored["creationTimestamp"] = context.now;
  if (kind.counts_generation) stored["generation"] = 1;
  schema::DefaultsContext defaults = context.defaults;
  defaults.creating = true;
  defaults.uid = context.uid;
  schema::apply_defaults(object, kind, defaults);
  drop_empty(metadata_of(object));
  schema::validate_metadata(object, kind, findings);
  schema::check_kind(object, kind, findings);
  if (findings.empty()) ask_admission(object, nullptr, context, findings);
  if (!findings.empty()) return refused(kind, object, findings);
  if (const std::string_view inert = inert_warning(kind);
      !inert.empty() && context.said != nullptr) {
    context.said->push_back(
        fmt::format("{} {}: {}", kind.kind, text_at(object, {"metadata", "name"}), inert));
  }
  if (context.finish) context.finish(object);
  return object;
}

Try<Update> prepare_update(const Json& before, Json body, UpdateKind how,
                           const WriteContext& context) {
  const schema::Kind& kind = *context.kind;
  if (auto failure = check_place(body, context)) return std::move(*failure);
  if (auto failure = check_preconditions(before, body, how, context)) return std::move(*failure);
  schema::Findings findings;
  shape_custom(body, kind, findings);
  Json after = merged_endpoint(before, to_storage(std::move(body), kind), context);
  keep_server_fields(before, after);
  schema::apply_defaults(after, kind, context.defaults);
  drop_empty(metadata_of(after));
  schema::validate_metadata(after, kind, findings);
  schema::validate_metadata_update(before, after, findings);
  if (context.subresource.empty()) {
    schema::check_kind(after, kind, findings);
    schema::check_kind_update(before, after, kind, findings);
  }
  if (findings.empty()) ask_admission(after, &before, context, findings);
  if (!findings.empty()) return refused(kind, after, findings);
  if (context.finish) context.finish(after);
  const bool same = same_object(before, after);
  if (how != UpdateKind::kApply) {
    if (same && map_at(after, {"metadata"}).value("managedFields", Json()) ==
                    map_at(before, {"metadata"}).value("managedFields", Json())) {
      return Update{.object = before, .changed = false};
    }
    track_update(&before, after, writer_of(context), *kind.merge);
  }
  if (kind.counts_generation && context.subresource != "status" &&
      is_new_generation(before, after, kind)) {
    metadata_of(after)["generation"] =
        number_at(before, {"metadata", "generation"}).value_or(0) + 1;
  }
  const bool owners_differ = list_at(before, {"metadata", "managedFields"}) !=
                             list_at(after, {"metadata", "managedFields"});
  return Update{.object = std::move(after), .changed = !same || owners_differ};
}

}  // namespace nacelle::kube::server
