#include "kube/server/writing.h"

#include <utility>

#include <fmt/format.h>

#include "kube/server_side_apply.h"
#include "kube/time.h"

namespace nacelle::kube::server {
namespace {

constexpr int kMostTries = 32;

bool has_finalizers(const Json& object) {
  return !list_at(object, {"metadata", "finalizers"}).empty();
}

// An object that only waited for its finalizers goes with the write that takes the last one.
bool is_done(const Json& object, const schema::Kind& kind) {
  if (!is_being_deleted(object) || has_finalizers(object)) return false;
  if (kind.collection == "namespaces") return list_at(object, {"spec", "finalizers"}).empty();
  return number_at(object, {"metadata", "deletionGracePeriodSeconds"}).value_or(0) == 0;
}

}  // namespace

std::optional<Failure> check_namespace(State& state, const Call& call) {
  if (!call.kind->namespaced) return std::nullopt;
  const ObjectPtr name_space = state.store->get("namespaces", {"", call.resource.name_space});
  const schema::KindPtr kind = call.registry->find("", "v1", "namespaces");
  if (name_space == nullptr) return not_found(*kind, call.resource.name_space);
  if (!is_being_deleted(name_space->json)) return std::nullopt;
  const std::string text =
      fmt::format("unable to create new content in namespace {} because it is being terminated",
                  call.resource.name_space);
  return forbidden(
      *call.kind, call.resource.name, text,
      Json::array(
          {{{"reason", "NamespaceTerminating"},
            {"message", fmt::format("namespace {} is being terminated", call.resource.name_space)},
            {"field", "metadata.namespace"}}}));
}

Reply reply_to(State& state, const Call& call, const Wanted& wanted, const Stored& stored,
               int status, std::vector<std::string> warnings) {
  Reply out = stored.object != nullptr
                  ? object_reply(call, wanted, *stored.object, status, state.now_s())
                  : json_object_reply(call, wanted, stored.dry, status, state.now_s());
  out.warnings = std::move(warnings);
  return out;
}

Try<Decision> decide_update(const StoredObject& now, Json body, UpdateKind how,
                            const WriteContext& context) {
  auto update = prepare_update(now.json, std::move(body), how, context);
  if (!update.ok()) return std::move(update.failure());
  const bool done = is_done(update->object, *context.kind);
  return Decision{
      .object = std::move(update->object), .write = update->changed || done, .remove = done};
}

Try<Decision> decide_create(Json body, const WriteContext& context) {
  auto object = prepare_create(std::move(body), context);
  if (!object.ok()) return std::move(object.failure());
  return Decision{.object = std::move(*object)};
}

WriteContext context_of(State& state, const Call& call, WriteOptions options) {
  WriteContext out{.kind = call.kind.get(),
                   .name_space = call.resource.name_space,
                   .name = call.resource.name,
                   .subresource = call.resource.subresource};
  out.manager = options.manager.empty() ? manager_of(call.user_agent) : options.manager;
  out.options = std::move(options);
  out.now = timestamp(state.now_s());
  out.uid = new_uid();
  out.suffix = new_suffix;
  out.defaults.cluster_ip = [&state] { return new_cluster_ip(state); };
  out.said = std::make_shared<std::vector<std::string>>();
  out.defaults.storage_class = [&state] { return default_storage_class(state); };
  const auto admission = state.options.admissions.find(call.kind->qualified());
  if (admission != state.options.admissions.end()) {
    out.admission = admission->second;
  }
  if (call.kind->collection == kCrdCollection && call.resource.subresource.empty()) {
    out.finish = [&state, now = out.now](Json& crd) {
      crd["status"] = schema::crd_status(crd, RegistrySource::clash(crd, *state.store), now);
    };
  }
  return out;
}

void add_said(const WriteContext& context, std::vector<std::string>& warnings) {
  if (context.said == nullptr) return;
  warnings.insert(warnings.end(), context.said->begin(), context.said->end());
}

void after_write(State& state, const Call& call) {
  if (call.kind->collection == kCrdCollection) state.registry.refresh(*state.store);
}

async::Task<Try<Stored>> write_decided(State& state, Call& call, Decide decide, bool dry_run) {
  const std::string& collection = call.kind->collection;
  for (int tries = 0; tries < kMostTries; ++tries) {
    ObjectKey key = call.key();
    const ObjectPtr now = key.name.empty() ? nullptr : state.store->get(collection, key);
    auto decision = decide(now.get());
    if (!decision.ok()) co_return std::move(decision.failure());
    Stored out{.object = nullptr, .dry = nullptr, .created = now == nullptr};
    if (!decision->write) {
      out.object = now;
      co_return out;
    }
    // Creates name themselves.
    key = {call.resource.name_space, std::string(text_at(decision->object, {"metadata", "name"}))};
    if (dry_run) {
      if (now == nullptr && state.store->get(collection, key) != nullptr) {
        co_return already_exists(*call.kind, key.name, false);
      }
      out.dry = std::move(decision->object);
      co_return out;
    }
    const bool generated = !text_at(decision->object, {"metadata", "generateName"}).empty();
    Write write{.collection = collection,
                .key = key,
                .expected = now != nullptr ? now->revision : 0,
                .object = std::move(decision->object),
                .remove = decision->remove};
    WriteOutcome outcome = co_await state.store->write(*call.loop, std::move(write));
    if (outcome.status.ok()) {
      out.object = std::move(outcome.object);
      after_write(state, call);
      co_return out;
    }
    const Code code = outcome.status.code();
    // A create with a name of its own that is taken is not tried again; a generated one is.
    if (code == Code::kAlreadyExists && !call.key().name.empty()) continue;
    if (code == Code::kAlreadyExists) {
      if (generated && tries < 8) continue;
      co_return already_exists(*call.kind, key.name, is_being_deleted(outcome.object->json));
    }
    if (code != Code::kFailedPrecondition && code != Code::kNotFound) {
      co_return store_failure(outcome.status, outcome.disk_full);
    }
  }
  co_return modified(*call.kind, call.resource.name);
}

namespace {

// What a create and a replace are read from; `object` is fit to be decided on.
struct WriteRequest {
  Wanted wanted;
  WriteContext context;
  Json object;
  std::vector<std::string> warnings;
};

Try<WriteRequest> read_write(State& state, const Call& call, std::string_view verb) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) return std::move(wanted.failure());
  auto options = parse_write_options(call.parameters, verb);
  if (!options.ok()) return std::move(options.failure());
  auto body = decode_body(call.body, call.content_type, call.kind->kind);
  if (!body.ok()) return std::move(body.failure());
  WriteRequest out{.wanted = std::move(*wanted),
                   .context = context_of(state, call, std::move(*options)),
                   .object = {},
                   .warnings = {}};
  auto admitted = admit_body(std::move(*body), out.context, out.warnings);
  if (!admitted.ok()) return std::move(admitted.failure());
  out.object = std::move(*admitted);
  return out;
}

}  // namespace

async::Task<Try<Reply>> create_object(State& state, Call& call) {
  auto request = read_write(state, call, "Create");
  if (!request.ok()) co_return std::move(request.failure());
  const WriteContext& context = request->context;
  const Json& object = request->object;
  if (auto failure = check_namespace(state, call)) co_return std::move(*failure);
  Decide decide = [&](const StoredObject*) -> Try<Decision> {
    auto decision = decide_create(object, context);
    if (!decision.ok()) return decision;
    track_update(nullptr, decision->object,
                 {.manager = context.manager,
                  .api_version = context.kind->api_version(),
                  .subresource = "",
                  .time = context.now,
                  .has_status = context.kind->has_status},
                 *context.kind->merge);
    return decision;
  };
  auto stored = co_await write_decided(state, call, std::move(decide), context.options.dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  add_said(context, request->warnings);
  co_return reply_to(state, call, request->wanted, *stored, 201, std::move(request->warnings));
}

async::Task<Try<Reply>> replace_object(State& state, Call& call) {
  auto request = read_write(state, call, "Update");
  if (!request.ok()) co_return std::move(request.failure());
  const WriteContext& context = request->context;
  const Json& object = request->object;
  const std::string_view name = text_at(object, {"metadata", "name"});
  if (!name.empty() && name != call.resource.name) {
    co_return bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name,
                    call.resource.name));
  }
  const bool may_create = call.kind->create_on_update && call.resource.subresource.empty();
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now != nullptr) return decide_update(*now, object, UpdateKind::kReplace, context);
    if (!may_create) return not_found(*call.kind, call.resource.name);
    if (auto failure = check_namespace(state, call)) return std::move(*failure);
    return decide_create(object, context);
  };
  auto stored = co_await write_decided(state, call, std::move(decide), context.options.dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  add_said(context, request->warnings);
  co_return reply_to(state, call, request->wanted, *stored, stored->created ? 201 : 200,
                     std::move(request->warnings));
}

}  // namespace nacelle::kube::server
