// patching.cc: PATCH in its four kinds.
#include <fmt/format.h>

#include "kube/patch.h"
#include "kube/server/writing.h"

namespace nacelle::kube::server {
namespace {

enum class PatchKind { kJson, kMerge, kStrategic, kApply };

Try<PatchKind> patch_kind(const Call& call) {
  const std::string type = media_type(call.content_type);
  if (type == "application/json-patch+json") return PatchKind::kJson;
  if (type == "application/merge-patch+json") return PatchKind::kMerge;
  if (type == "application/apply-patch+yaml") return PatchKind::kApply;
  if (type != "application/strategic-merge-patch+json") {
    return make_failure(415, "UnsupportedMediaType", "415: Unsupported Media Type");
  }
  if (!call.kind->custom) return PatchKind::kStrategic;
  return unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
}

Failure patch_failure(const Status& status, const Call& call) {
  switch (status.code()) {
    case Code::kOutOfRange:
      return make_failure(413, "RequestEntityTooLarge", status.message());
    case Code::kInvalidArgument:
      return bad_request(status.message());
    case Code::kFailedPrecondition:
      return invalid(call.kind->group, call.kind->kind, call.resource.name,
                     {schema::invalid("patch", "", status.message())});
    default:
      return make_failure(500, "", status.message());
  }
}

Result<Json> patched(const Json& live, const Json& patch, PatchKind how, const schema::Kind& kind) {
  switch (how) {
    case PatchKind::kJson:
      return json_patch(live, patch);
    case PatchKind::kMerge:
      return merge_patch(live, patch);
    default:
      return strategic_merge_patch(live, patch, *kind.merge);
  }
}

Try<Json> read_patch(const Call& call, PatchKind how) {
  if (call.body.size() > kMaxBodyBytes) return too_large(kMaxBodyBytes);
  if (how == PatchKind::kApply) {
    // kubectl sends JSON under YAML's name; JSON is read faster and without YAML's booleans.
    Json json = Json::parse(call.body, nullptr, false);
    if (json.is_object()) return json;
    return decode_yaml(call.body);
  }
  Json json = Json::parse(call.body, nullptr, false);
  if (json.is_discarded()) return bad_request("error decoding patch: the body is no JSON");
  return json;
}

// Fields that the kind does not have: refused or said, as for any other body.
Try<Json> admit_patched(Json object, const WriteContext& context,
                        std::vector<std::string>& warnings) {
  // Every attempt at a patch finds the same: they are said once.
  warnings.clear();
  return admit_body({.object = std::move(object), .duplicates = {}}, context, warnings);
}

Try<Decision> decide_patch(const StoredObject* now, const Json& patch, PatchKind how,
                           const Call& call, const WriteContext& context,
                           std::vector<std::string>& warnings) {
  if (now == nullptr) return not_found(*call.kind, call.resource.name);
  Result<Json> object = patched(from_storage(now->json, *call.kind), patch, how, *call.kind);
  if (!object.ok()) return patch_failure(object.error(), call);
  if (!object->is_object()) return bad_request("the patched object is no object");
  auto admitted = admit_patched(std::move(*object), context, warnings);
  if (!admitted.ok()) return std::move(admitted.failure());
  return decide_update(*now, std::move(*admitted), UpdateKind::kPatch, context);
}

std::optional<Failure> check_apply(const Json& config, const Call& call,
                                   const WriteOptions& options) {
  if (options.manager.empty()) {
    return invalid("meta.k8s.io", "PatchOptions", "",
                   {schema::required("fieldManager", "is required for apply patch")});
  }
  if (!config.is_object()) return bad_request("the body is no object");
  if (find(config, {"metadata", "managedFields"}) != nullptr) {
    return bad_request("metadata.managedFields must be nil");
  }
  const std::string_view version = text_at(config, {"apiVersion"});
  const std::string_view kind = text_at(config, {"kind"});
  if (version != call.kind->api_version() || kind != call.kind->kind) {
    return bad_request(fmt::format("invalid object type: {}, Kind={}",
                                   version.find('/') == std::string_view::npos
                                       ? fmt::format("/{}", version)
                                       : std::string(version),
                                   kind));
  }
  const std::string_view name = text_at(config, {"metadata", "name"});
  if (!name.empty() && name != call.resource.name) {
    return bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name,
                    call.resource.name));
  }
  return std::nullopt;
}

Try<Decision> decide_apply(State& state, const StoredObject* now, const Json& config,
                           const Call& call, const WriteContext& context,
                           std::vector<std::string>& warnings) {
  const schema::Kind& kind = *call.kind;
  const std::string_view uid = text_at(config, {"metadata", "uid"});
  if (now == nullptr && !uid.empty()) {
    return conflict(
        kind, call.resource.name,
        fmt::format("uid mismatch: the provided object specified uid {}, and no existing "
                    "object was found",
                    uid));
  }
  const std::string_view version = version_of(config);
  if (!version.empty() && (now == nullptr || version != std::to_string(now->revision))) {
    return modified(kind, call.resource.name);
  }
  const Writer writer{.manager = context.manager,
                      .api_version = kind.api_version(),
                      .subresource = context.subresource,
                      .time = context.now,
                      .has_status = kind.has_status};
  const Json live = now != nullptr ? from_storage(now->json, kind) : Json();
  Result<Applied> applied = server_side_apply(
      now != nullptr ? &live : nullptr, config, writer,
      context.options.force.value_or(false) ? Force::kYes : Force::kNo, *kind.merge);
  if (!applied.ok()) {
    if (applied.error().code() == Code::kOutOfRange) return patch_failure(applied.error(), call);
    return bad_request(applied.error().message());
  }
  if (!applied->conflicts.empty()) {
    return Failure{.code = 409, .status = apply_conflict_status(applied->conflicts)};
  }
  if (now != nullptr && !applied->changed) return Decision{.object = now->json, .write = false};
  auto admitted = admit_patched(std::move(applied->object), context, warnings);
  if (!admitted.ok()) return std::move(admitted.failure());
  if (now != nullptr) {
    return decide_update(*now, std::move(*admitted), UpdateKind::kApply, context);
  }
  if (!context.subresource.empty()) return not_found(kind, call.resource.name);
  if (auto failure = check_namespace(state, call)) return std::move(*failure);
  (*admitted)["metadata"]["name"] = call.resource.name;
  return decide_create(std::move(*admitted), context);
}

// Apply refuses what the kind does not have, whatever the parameter says.
std::optional<Failure> check_declared(const Json& config, const Call& call) {
  Json copy = config;
  std::vector<std::string> unknown;
  schema::prune(copy, *call.kind->node, unknown);
  if (unknown.empty()) return std::nullopt;
  std::string text = fmt::format(
      "failed to create typed patch object ({}/{}; {}, Kind={}): ", call.resource.name_space,
      call.resource.name, call.kind->api_version(), call.kind->kind);
  if (unknown.size() > 1) text += "errors:";
  for (const std::string& path : unknown) {
    text +=
        fmt::format("{}.{}: field not declared in schema", unknown.size() > 1 ? "\n  " : "", path);
  }
  return make_failure(500, "", text);
}

}  // namespace

async::Task<Try<Reply>> patch_object(State& state, Call& call) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  auto options = parse_write_options(call.parameters, "Patch");
  if (!options.ok()) co_return std::move(options.failure());
  auto how = patch_kind(call);
  if (!how.ok()) co_return std::move(how.failure());
  if (*how != PatchKind::kApply && options->force.has_value()) {
    const schema::Findings findings = {
        schema::forbidden("force", "may not be specified for non-apply patch")};
    co_return invalid("meta.k8s.io", "PatchOptions", "", findings);
  }
  auto patch = read_patch(call, *how);
  if (!patch.ok()) co_return std::move(patch.failure());
  const bool apply = *how == PatchKind::kApply;
  if (apply) {
    if (auto failure = check_apply(*patch, call, *options)) co_return std::move(*failure);
    if (auto failure = check_declared(*patch, call)) co_return std::move(*failure);
  }
  const WriteContext context = context_of(state, call, *options);
  std::vector<std::string> warnings;
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (apply) return decide_apply(state, now, *patch, call, context, warnings);
    return decide_patch(now, *patch, *how, call, context, warnings);
  };
  auto stored = co_await write_decided(state, call, std::move(decide), options->dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  add_said(context, warnings);
  co_return reply_to(state, call, *wanted, *stored, stored->created ? 201 : 200,
                     std::move(warnings));
}

}  // namespace nacelle::kube::server
