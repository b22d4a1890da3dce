// scale.cc: the scale subresource.
#include <fmt/format.h>

#include "kube/patch.h"
#include "kube/schema/cells.h"
#include "kube/schema/crd.h"
#include "kube/server/subresources.h"

namespace nacelle::kube::server {
namespace {

// A selector as the text that clients parse; "" for none.
std::string selector_of(const Json& object, const schema::ScalePaths& paths) {
  if (paths.selector_of_spec) {
    const std::string text = schema::selector_text(map_at(object, {"spec", "selector"}));
    return text == "<none>" ? "" : text;
  }
  if (paths.selector.empty()) return {};
  const Json* value = schema::at_json_path(object, paths.selector);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

Try<Json> scale_body(const Call& call) {
  auto body = decode_body(call.body, call.content_type, "Scale");
  if (!body.ok()) return std::move(body.failure());
  return std::move(body->object);
}

Result<Json> patched_scale(const Call& call, const Json& scale, Try<Json>& failure) {
  const Json patch = Json::parse(call.body, nullptr, false);
  const std::string type = media_type(call.content_type);
  if (type == "application/apply-patch+yaml") {
    auto body = patch.is_object() ? Try<Json>(patch) : decode_yaml(call.body);
    if (!body.ok()) {
      failure = std::move(body.failure());
      return invalid_argument("yaml");
    }
    return merge_patch(scale, *body);
  }
  if (patch.is_discarded()) return invalid_argument("error decoding patch: the body is no JSON");
  if (type == "application/json-patch+json") return json_patch(scale, patch);
  return merge_patch(scale, patch);
}

// The number of replicas that the request asks for.
Try<std::int64_t> wanted_replicas(const Call& call, const StoredObject& now, const Json& scale) {
  Json next;
  if (call.method == "PUT") {
    auto body = scale_body(call);
    if (!body.ok()) return std::move(body.failure());
    next = std::move(*body);
  } else {
    Try<Json> failure = Json();
    Result<Json> result = patched_scale(call, scale, failure);
    if (!failure.ok()) return std::move(failure.failure());
    if (!result.ok()) return bad_request(result.error().message());
    next = std::move(*result);
  }
  const std::string version(version_of(next));
  if (!version.empty() && version != std::to_string(now.revision)) {
    return modified(*call.kind, call.resource.name);
  }
  const auto replicas = number_at(next, {"spec", "replicas"}).value_or(0);
  if (replicas < 0) {
    return invalid(
        "autoscaling", "Scale", call.resource.name,
        {schema::invalid("spec.replicas", replicas, "must be greater than or equal to 0")});
  }
  return replicas;
}

}  // namespace

Try<Json> scale_of(const Json& object, const schema::Kind& kind) {
  const schema::ScalePaths& paths = *kind.scale;
  const Json* wanted = schema::at_json_path(object, paths.spec_replicas);
  if (wanted == nullptr && kind.custom) {
    return internal_error(
        fmt::format("the spec replicas field \"{}\" does not exist", paths.spec_replicas));
  }
  const Json* have = schema::at_json_path(object, paths.status_replicas);
  Json metadata = Json::object();
  for (const char* name : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Json* field = find(object, {"metadata", name})) metadata[name] = *field;
  }
  Json spec = Json::object();
  if (wanted != nullptr && wanted->is_number_integer() && *wanted != 0) spec["replicas"] = *wanted;
  Json status = {{"replicas", have != nullptr && have->is_number_integer() ? *have : Json(0)}};
  if (const std::string selector = selector_of(object, paths); !selector.empty()) {
    status["selector"] = selector;
  }
  return Json{{"kind", "Scale"},
              {"apiVersion", "autoscaling/v1"},
              {"metadata", std::move(metadata)},
              {"spec", std::move(spec)},
              {"status", std::move(status)}};
}

bool set_replicas(Json& object, const schema::Kind& kind, std::int64_t replicas) {
  std::string_view path = kind.scale->spec_replicas;
  if (!path.starts_with('.')) return false;
  path.remove_prefix(1);
  Json* at = &object;
  while (true) {
    const std::size_t dot = path.find('.');
    if (!at->is_object() && !at->is_null()) return false;
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *at = replicas;
  return true;
}

async::Task<Try<Reply>> serve_scale(State& state, Call& call) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  if (call.method == "GET") {
    const ObjectPtr now = state.store->get(call.kind->collection, call.key());
    if (now == nullptr) co_return not_found(*call.kind, call.resource.name);
    auto scale = scale_of(from_storage(now->json, *call.kind), *call.kind);
    if (!scale.ok()) co_return std::move(scale.failure());
    co_return json_reply(*scale, 200, call.pretty);
  }
  auto options = parse_write_options(call.parameters, call.method == "PUT" ? "Update" : "Patch");
  if (!options.ok()) co_return std::move(options.failure());
  WriteContext context = context_of(state, call, *options);
  // It is the object's own field that changes, as an update of the object would do it.
  context.subresource.clear();
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr) return not_found(*call.kind, call.resource.name);
    Json object = from_storage(now->json, *call.kind);
    auto scale = scale_of(object, *call.kind);
    if (!scale.ok()) return std::move(scale.failure());
    auto replicas = wanted_replicas(call, *now, *scale);
    if (!replicas.ok()) return std::move(replicas.failure());
    if (!set_replicas(object, *call.kind, *replicas)) {
      return internal_error("the spec replicas field cannot be set");
    }
    return decide_update(*now, std::move(object), UpdateKind::kPatch, context);
  };
  auto stored = co_await write_decided(state, call, std::move(decide), options->dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  const Json& object = stored->object != nullptr ? stored->object->json : stored->dry;
  auto scale = scale_of(from_storage(object, *call.kind), *call.kind);
  if (!scale.ok()) co_return std::move(scale.failure());
  co_return json_reply(*scale, 200, call.pretty);
}

}  // namespace nacelle::kube::server
