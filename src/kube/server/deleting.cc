// deleting.cc: DELETE of objects and collections.
#include <fmt/format.h>

#include "kube/time.h"

#include "kube/server/delete_rules.h"
#include "kube/server/selectors.h"
#include "kube/server/writing.h"

namespace nacelle::kube::server {
namespace {

constexpr const char* kCrdFinalizer = "customresourcecleanup.apiextensions.k8s.io";
constexpr const char* kJobWarning =
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background "
    "to "
    "remove them or set propagationPolicy=Orphan to suppress this warning";

// Objects of a CRD go before it does.
void hold_for_objects(State& state, const schema::Kind& kind, Deletion& deletion) {
  if (kind.collection != kCrdCollection || !deletion.remove) return;
  if (state.store->count(schema::crd_collection(deletion.object)) == 0) return;
  Json& metadata = deletion.object["metadata"];
  metadata["finalizers"] = Json::array({kCrdFinalizer});
  if (!metadata.contains("deletionTimestamp")) {
    metadata["deletionTimestamp"] = timestamp(state.now_s());
    metadata["deletionGracePeriodSeconds"] = 0;
  }
  deletion.object["status"]["conditions"].push_back(
      {{"type", "Terminating"},
       {"status", "True"},
       {"lastTransitionTime", timestamp(state.now_s())},
       {"reason", "InstanceDeletionInProgress"},
       {"message", "CustomResource deletion is in progress"}});
  deletion.remove = false;
}

Decide decide_delete(State& state, const Call& call, const DeleteOptions& options, bool& removed,
                     Json& last) {
  return [&state, &call, &options, &removed, &last](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr) return not_found(*call.kind, call.resource.name);
    auto deletion = decide_deletion(*now, *call.kind, options, state.now_s());
    if (!deletion.ok()) return std::move(deletion.failure());
    hold_for_objects(state, *call.kind, *deletion);
    removed = deletion->remove;
    last = deletion->object;
    return Decision{.object = std::move(deletion->object),
                    .write = deletion->write,
                    .remove = deletion->remove};
  };
}

Reply removed_reply(const Call& call, const Json& last) {
  Json details = {{"name", call.resource.name},
                  {"kind", call.kind->plural},
                  {"uid", text_at(last, {"metadata", "uid"})}};
  if (!call.kind->group.empty()) details["group"] = call.kind->group;
  return json_reply({{"kind", "Status"},
                     {"apiVersion", "v1"},
                     {"metadata", Json::object()},
                     {"status", "Success"},
                     {"details", std::move(details)}},
                    200, call.pretty);
}

}  // namespace

async::Task<Try<Reply>> delete_object(State& state, Call& call) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  auto options = parse_delete_options(call.body, call.content_type, call.parameters);
  if (!options.ok()) co_return std::move(options.failure());
  bool removed = false;
  Json last;
  Decide decide = decide_delete(state, call, *options, removed, last);
  auto stored = co_await write_decided(state, call, std::move(decide), options->dry_run);
  if (!stored.ok()) co_return std::move(stored.failure());
  Reply out =
      removed ? removed_reply(call, last) : reply_to(state, call, *wanted, *stored, 200, {});
  if (call.kind->collection == "jobs.batch" && options->policy.empty()) {
    out.warnings.emplace_back(kJobWarning);
  }
  co_return out;
}

async::Task<Try<Reply>> delete_collection(State& state, Call& call, const ListOptions& options) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  auto deletion = parse_delete_options(call.body, call.content_type, call.parameters);
  if (!deletion.ok()) co_return std::move(deletion.failure());
  auto labels = LabelSelector::parse(options.label_selector);
  if (!labels.ok()) co_return std::move(labels.failure());
  auto fields = FieldSelector::parse(options.field_selector, *call.kind);
  if (!fields.ok()) co_return std::move(fields.failure());
  ListQuery query{.name_space = call.resource.name_space};
  query.filter = [&](const StoredObject& object) {
    return labels->matches(object.json) && fields->matches(object.json);
  };
  auto listing = state.store->list(call.kind->collection, query);
  if (!listing.ok()) co_return internal_error(listing.error().message());
  std::vector<ObjectPtr> gone;
  for (const ObjectPtr& object : listing->items) {
    Call one = call;
    const ObjectKey key = key_of(object->json);
    one.resource.name_space = key.name_space;
    one.resource.name = key.name;
    bool removed = false;
    Json last;
    Decide decide = decide_delete(state, one, *deletion, removed, last);
    auto stored = co_await write_decided(state, one, std::move(decide), deletion->dry_run);
    if (stored.ok()) {
      gone.push_back(stored->object != nullptr ? stored->object : object);
    } else if (stored.failure().code != 404) {
      co_return std::move(stored.failure());
    }
  }
  const ListMeta meta{.revision = state.store->revision(), .continue_token = {}, .remaining = 0};
  co_return list_reply(call, *wanted, gone, meta, state.now_s());
}

}  // namespace nacelle::kube::server
