#include "kube/server/housekeeper.h"

#include "async/timer.h"
#include "kube/server/delete_rules.h"
#include "kube/time.h"

namespace nacelle::kube::server {
namespace {

constexpr Duration kPause = 20ms;  // gathers what happens together
constexpr const char* kCrdFinalizer = "customresourcecleanup.apiextensions.k8s.io";

void erase_text(Json& list, std::string_view text) {
  if (!list.is_array()) return;
  std::erase_if(list.get_ref<Json::array_t&>(), [&](const Json& one) { return one == text; });
}

std::string uid_of(const StoredObject& object) {
  return std::string(text_at(object.json, {"metadata", "uid"}));
}

// A write that takes the last hold of an object takes the object.
Decision released(const StoredObject& now, std::string_view finalizer) {
  Decision out{.object = now.json};
  Json& metadata = out.object["metadata"];
  erase_text(metadata["finalizers"], finalizer);
  if (!metadata["finalizers"].empty()) return out;
  metadata.erase("finalizers");
  const bool graceful = number_at(metadata, {"deletionGracePeriodSeconds"}).value_or(0) > 0;
  out.remove = is_being_deleted(out.object) && !graceful;
  return out;
}

Decision without_owners(const StoredObject& now, const std::vector<std::string>& uids) {
  Decision out{.object = now.json, .write = false};
  Json& owners = out.object["metadata"]["ownerReferences"];
  if (!owners.is_array()) return out;
  const std::size_t before = owners.size();
  std::erase_if(owners.get_ref<Json::array_t&>(), [&](const Json& one) {
    return std::find(uids.begin(), uids.end(), text_at(one, {"uid"})) != uids.end();
  });
  out.write = owners.size() != before;
  if (owners.empty()) out.object["metadata"].erase("ownerReferences");
  return out;
}

}  // namespace

async::Task<void> Housekeeper::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

std::unique_ptr<Call> Housekeeper::call_for(const std::string& collection, const ObjectKey& key) {
  auto call = std::make_unique<Call>();
  call->loop = &loop_;
  call->user_agent = "nacelle-controller-manager";
  call->registry = state_.registry.current();
  call->kind = call->registry->of_collection(collection);
  if (call->kind == nullptr) return nullptr;
  call->resource.name_space = key.name_space;
  call->resource.name = key.name;
  call->user = Tokens::admin();
  return call;
}

void Housekeeper::load() {
  graph_.clear();
  position_ = state_.store->revision();
  for (const std::string& collection : state_.store->collections()) {
    const auto all = state_.store->list(collection, {});
    if (!all.ok()) continue;
    for (const ObjectPtr& object : all->items) {
      GraphNode node = graph_node(collection, object->json);
      auto place = std::pair(collection, node.key);
      graph_[std::move(place)] = std::move(node);
    }
  }
  graph_changed_ = true;
  namespaces_changed_ = true;
}

void Housekeeper::note(const Change& change) {
  const std::pair place(change.collection, change.key);
  if (change.collection == "namespaces" || change.collection == kCrdCollection) {
    namespaces_changed_ = true;
  }
  if (change.deleted) {
    graph_.erase(place);
    graph_changed_ = true;
    namespaces_changed_ = true;  // it may have been the last one of its namespace
    return;
  }
  GraphNode node = graph_node(change.collection, change.after->json);
  // An update of an object without owners, that stays, can change nothing here.
  if (change.before == nullptr ? !node.owners.empty() : true) {
    const auto before = graph_.find(place);
    const bool same =
        before != graph_.end() && before->second.deleting == node.deleting &&
        before->second.foreground == node.foreground && before->second.orphan == node.orphan &&
        before->second.uid == node.uid &&
        list_at(change.before ? change.before->json : Json(), {"metadata", "ownerReferences"}) ==
            list_at(change.after->json, {"metadata", "ownerReferences"});
    graph_changed_ = graph_changed_ || !same;
  }
  graph_[place] = std::move(node);
}

async::Task<void> Housekeeper::run() {
  while (!scope_.stop_requested()) {
    load();
    auto feed = state_.store->subscribe(loop_, Store::kEveryCollection, position_);
    if (!feed.ok()) continue;  // the history went on between the two
    while (!scope_.stop_requested()) {
      co_await round();
      auto changes = co_await (*feed)->next(4096, std::chrono::steady_clock::now() + 30s);
      if (!changes.ok()) {
        if (changes.error().code() == Code::kOutOfRange) break;  // fell behind: everything again
        co_return;
      }
      for (const ChangePtr& change : *changes) note(*change);
      if (!(co_await scope_.sleep(kPause))) co_return;
    }
  }
}

async::Task<void> Housekeeper::round() {
  if (graph_changed_) {
    graph_changed_ = false;
    co_await collect_garbage();
  }
  if (namespaces_changed_) {
    namespaces_changed_ = false;
    co_await furnish_namespaces();
    co_await end_namespaces();
    co_await end_crds();
  }
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < next_expiry_) co_return;
  next_expiry_ = now + 60s;
  co_await expire_events();
}

async::Task<void> Housekeeper::collect_garbage() {
  std::vector<GraphNode> nodes;
  nodes.reserve(graph_.size());
  for (const auto& [place, node] : graph_) nodes.push_back(node);
  const std::vector<CollectorAction> actions = collect(nodes);
  for (const CollectorAction& action : actions) {
    if (scope_.stop_requested()) co_return;
    co_await act(action, nodes);
  }
}

async::Task<void> Housekeeper::act(const CollectorAction& action,
                                   const std::vector<GraphNode>& nodes) {
  if (const auto* dependent = std::get_if<DeleteDependent>(&action)) {
    const GraphNode& node = nodes[dependent->node];
    co_await remove(node.collection, node.key, node.uid,
                    dependent->foreground ? "Foreground" : "Background");
    co_return;
  }
  const auto* drop = std::get_if<DropOwners>(&action);
  const auto* release = std::get_if<ReleaseOwner>(&action);
  const GraphNode& node = nodes[drop != nullptr ? drop->node : release->node];
  const std::unique_ptr<Call> call = call_for(node.collection, node.key);
  if (call == nullptr) co_return;
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr || text_at(now->json, {"metadata", "uid"}) != node.uid) {
      return not_found(*call->kind, node.key.name);
    }
    if (drop != nullptr) return without_owners(*now, drop->uids);
    return released(*now, release->finalizer);
  };
  auto done = co_await write_decided(state_, *call, std::move(decide), false);
  (void)done;  // what failed is seen again in the next round
}

async::Task<void> Housekeeper::remove(std::string collection, ObjectKey key, std::string uid,
                                      std::string policy) {
  const std::unique_ptr<Call> call = call_for(collection, key);
  if (call == nullptr) co_return;
  const DeleteOptions options{.grace_s = std::nullopt, .uid = uid, .version = {}, .policy = policy};
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr) return not_found(*call->kind, key.name);
    auto deletion = decide_deletion(*now, *call->kind, options, state_.now_s());
    if (!deletion.ok()) return std::move(deletion.failure());
    return Decision{.object = std::move(deletion->object),
                    .write = deletion->write,
                    .remove = deletion->remove};
  };
  auto done = co_await write_decided(state_, *call, std::move(decide), false);
  (void)done;
}

async::Task<void> Housekeeper::make(std::string collection, ObjectKey key, Json object) {
  if (state_.store->get(collection, key) != nullptr) co_return;
  const std::unique_ptr<Call> call = call_for(collection, key);
  if (call == nullptr) co_return;
  WriteContext context = context_of(state_, *call, {});
  object["apiVersion"] = call->kind->api_version();
  object["kind"] = call->kind->kind;
  object["metadata"]["name"] = key.name;
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now != nullptr) return Decision{.object = now->json, .write = false};
    return decide_create(object, context);
  };
  auto done = co_await write_decided(state_, *call, std::move(decide), false);
  (void)done;
}

async::Task<void> Housekeeper::furnish_namespaces() {
  const auto all = state_.store->list("namespaces", {});
  if (!all.ok()) co_return;
  for (const ObjectPtr& one : all->items) {
    if (is_being_deleted(one->json)) continue;
    const std::string name(text_at(one->json, {"metadata", "name"}));
    ObjectKey account{name, "default"};
    co_await make("serviceaccounts", account, Json::object());
    ObjectKey root{name, "kube-root-ca.crt"};
    Json certificates = {{"data", {{"ca.crt", state_.ca_pem}}}};
    co_await make("configmaps", root, std::move(certificates));
  }
}

async::Task<void> Housekeeper::end_namespaces() {
  const auto all = state_.store->list("namespaces", {});
  if (!all.ok()) co_return;
  for (const ObjectPtr& one : all->items) {
    if (!is_being_deleted(one->json)) continue;
    const std::string name(text_at(one->json, {"metadata", "name"}));
    std::size_t left = 0;
    for (const std::string& collection : state_.store->collections()) {
      ListQuery query{.name_space = name};
      const auto content = state_.store->list(collection, query);
      if (!content.ok()) continue;
      for (const ObjectPtr& object : content->items) {
        ++left;
        co_await remove(collection, key_of(object->json), uid_of(*object), "Background");
      }
    }
    if (left > 0) continue;  // seen again when the last of them is gone
    ObjectKey key{"", name};
    const std::unique_ptr<Call> call = call_for("namespaces", key);
    if (call == nullptr) continue;
    Decide decide = [&](const StoredObject* now) -> Try<Decision> {
      if (now == nullptr) return not_found(*call->kind, name);
      Decision out{.object = now->json};
      out.object["spec"]["finalizers"] = Json::array();
      out.remove = list_at(now->json, {"metadata", "finalizers"}).empty();
      out.write = out.remove || !list_at(now->json, {"spec", "finalizers"}).empty();
      return out;
    };
    auto done = co_await write_decided(state_, *call, std::move(decide), false);
    (void)done;
  }
}

async::Task<void> Housekeeper::end_crds() {
  const auto all = state_.store->list(kCrdCollection, {});
  if (!all.ok()) co_return;
  for (const ObjectPtr& crd : all->items) {
    if (!is_being_deleted(crd->json)) continue;
    const std::string collection = schema::crd_collection(crd->json);
    const auto objects = state_.store->list(collection, {});
    if (!objects.ok()) continue;
    for (const ObjectPtr& object : objects->items) {
      co_await remove(collection, key_of(object->json), uid_of(*object), "Background");
    }
    if (state_.store->count(collection) > 0) continue;
    const std::unique_ptr<Call> call = call_for(kCrdCollection, key_of(crd->json));
    if (call == nullptr) continue;
    Decide decide = [&](const StoredObject* now) -> Try<Decision> {
      if (now == nullptr) return not_found(*call->kind, call->resource.name);
      return released(*now, kCrdFinalizer);
    };
    auto done = co_await write_decided(state_, *call, std::move(decide), false);
    (void)done;
  }
}

async::Task<void> Housekeeper::expire_events() {
  const std::int64_t before = state_.now_s() - kEventSeconds;
  ListQuery query;
  query.filter = [before](const StoredObject& event) {
    std::string_view last = text_at(event.json, {"series", "lastObservedTime"});
    if (last.empty()) last = text_at(event.json, {"lastTimestamp"});
    if (last.empty()) last = text_at(event.json, {"metadata", "creationTimestamp"});
    const auto at = parse_timestamp(last);
    return at.has_value() && *at < before;
  };
  const auto old = state_.store->list("events", query);
  if (!old.ok()) co_return;
  for (const ObjectPtr& event : old->items) {
    co_await remove("events", key_of(event->json), uid_of(*event), "Background");
  }
}

}  // namespace nacelle::kube::server
