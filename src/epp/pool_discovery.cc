#include "epp/pool_discovery.h"

#include <algorithm>
#include <set>
#include <utility>

#include "router/objective/objective_documents.h"
#include "telemetry/log.h"

namespace nacelle::epp {
namespace {

using kube::Informer;
using kube::InformerOptions;
using kube::ObjectKey;
using router::objective::ObjectiveSet;

constexpr const char* kObjectGroups[] = {"llm-d.ai", "inference.networking.x-k8s.io"};
constexpr std::string_view kObjectVersion = "v1alpha2";

// An object as the reader of documents takes it: items of lists may lack their kind.
std::string document_of(const kube::Json& object, std::string_view group, std::string_view kind) {
  kube::Json named = object;
  named["apiVersion"] = fmt::format("{}/{}", group, kObjectVersion);
  named["kind"] = kind;
  return named.dump(-1, ' ', false, kube::Json::error_handler_t::replace);
}

template <class Object>
void add_new(std::vector<Object>&& from, std::vector<Object>& to) {
  for (Object& object : from) {
    // The current group comes first and wins.
    if (std::any_of(to.begin(), to.end(), [&](const Object& o) { return o.name == object.name; })) {
      continue;
    }
    to.push_back(std::move(object));
  }
}

void add_objects(const Informer::Objects& objects, std::string_view group, std::string_view kind,
                 ObjectiveSet& out) {
  for (const auto& [key, object] : objects) {
    auto read = router::objective::parse_objective_documents(document_of(*object, group, kind));
    if (!read.ok()) {
      log::warn("an object is left out",
                {{"kind", kind}, {"name", key.to_string()}, {"why", read.error()}});
      continue;
    }
    add_new(std::move(read->objectives), out.objectives);
    add_new(std::move(read->rewrites), out.rewrites);
  }
}

}  // namespace

struct PoolDiscovery::Found {
  InferencePool pool;
  std::unique_ptr<Informer> pods;
  std::unique_ptr<Informer> next_pods;  // of a new selector, until it is synced
  std::vector<router::FileEndpoint> told;
  bool has_told = false;
};

struct PoolDiscovery::Space {
  std::string name;
  std::unique_ptr<Informer> pools;
  std::vector<std::unique_ptr<Informer>> objectives, rewrites;  // one per group
  [[nodiscard]] bool synced() const {
    const auto is_synced = [](const auto& informer) { return informer->synced(); };
    return (pools == nullptr || pools->synced()) &&
           std::all_of(objectives.begin(), objectives.end(), is_synced) &&
           std::all_of(rewrites.begin(), rewrites.end(), is_synced);
  }
};

PoolDiscovery::PoolDiscovery(kube::Client& client, DiscoveryOptions options, PoolSink& sink,
                             kube::InformerMetrics* metrics)
    : client_(client),
      options_(std::move(options)),
      sink_(sink),
      metrics_(metrics),
      scope_(client.loop()) {}

PoolDiscovery::~PoolDiscovery() = default;

void PoolDiscovery::start() {
  std::set<std::string> spaces;
  for (const InferencePool& pool : options_.fixed) spaces.insert(pool.key.name_space);
  if (options_.fixed.empty()) {
    for (const ObjectKey& pool : options_.pools) spaces.insert(pool.name_space);
    if (options_.pools.empty()) spaces.insert(options_.name_space);
  }
  for (const std::string& space : spaces) watch_space(space);
  for (const InferencePool& pool : options_.fixed) adopt(pool);
}

async::Task<void> PoolDiscovery::stop() {
  // The watches that add and drop pools first: then the map below stays as it is.
  for (auto& [name, space] : spaces_) {
    if (space->pools != nullptr) co_await space->pools->stop();
    for (auto& informer : space->objectives) co_await informer->stop();
    for (auto& informer : space->rewrites) co_await informer->stop();
  }
  for (auto& [key, found] : pools_) {
    co_await found->pods->stop();
    if (found->next_pods != nullptr) co_await found->next_pods->stop();
  }
  scope_.stop();
  co_await scope_.join();
}

void PoolDiscovery::watch_space(const std::string& name_space) {
  auto made = std::make_unique<Space>();
  Space& space = *made;
  space.name = name_space;
  spaces_.emplace(name_space, std::move(made));
  InformerOptions how;
  how.name_space = name_space;
  how.backoff = options_.backoff;
  how.absent_period = options_.absent_period;
  if (options_.fixed.empty()) {
    InformerOptions pools = how;
    pools.resource = pool_resource(options_.pool_group);
    if (options_.pools.size() == 1) {
      pools.field_selector = "metadata.name=" + options_.pools.front().name;
    }
    space.pools = std::make_unique<Informer>(
        client_, pools, [this, &space](auto) { reconcile_pools(space); }, metrics_);
  }
  how.optional = true;
  const auto objects = [&](const char* group, const char* plural) {
    InformerOptions options = how;
    options.resource = {group, std::string(kObjectVersion), plural};
    return std::make_unique<Informer>(
        client_, options, [this, &space](auto) { reconcile_objects(space); }, metrics_);
  };
  for (const char* group : kObjectGroups) {
    space.objectives.push_back(objects(group, "inferenceobjectives"));
    space.rewrites.push_back(objects(group, "inferencemodelrewrites"));
  }
  if (space.pools != nullptr) space.pools->start();
  for (auto& informer : space.objectives) informer->start();
  for (auto& informer : space.rewrites) informer->start();
}

bool PoolDiscovery::wanted(const InferencePool& pool) const {
  if (!options_.pools.empty()) {
    return std::find(options_.pools.begin(), options_.pools.end(), pool.key) !=
           options_.pools.end();
  }
  return options_.picker_service.empty() || pool.picker_service == options_.picker_service;
}

void PoolDiscovery::reconcile_pools(Space& space) {
  std::set<ObjectKey> seen;
  for (const auto& [key, object] : space.pools->objects()) {
    auto pool = parse_inference_pool(*object);
    if (!pool.ok()) {
      log::warn("a pool is not used as it stands", {{"why", pool.error()}});
      seen.insert(key);  // what it said before stays
      continue;
    }
    if (!wanted(*pool)) continue;
    seen.insert(key);
    adopt(*pool);
  }
  std::vector<ObjectKey> gone;
  for (const auto& [key, found] : pools_) {
    if (key.name_space == space.name && !seen.contains(key)) gone.push_back(key);
  }
  for (const ObjectKey& key : gone) drop(key);
  update_synced();
}

void PoolDiscovery::adopt(const InferencePool& pool) {
  auto& found = pools_[pool.key];
  if (found == nullptr) {
    found = std::make_unique<Found>();
    found->pool = pool;
    log::info("pool found", {{"pool", pool.key.to_string()}, {"selector", pool.selector}});
    sink_.pool_found(pool);
    watch_pods(*found);
    return;
  }
  if (found->pool == pool) return;
  const bool other_pods = found->pool.selector != pool.selector;
  found->pool = pool;
  sink_.pool_found(pool);
  if (other_pods) {
    watch_pods(*found);
  } else {
    reconcile_endpoints(pool.key);
  }
}

void PoolDiscovery::watch_pods(Found& found) {
  InformerOptions how;
  how.resource = {"", "v1", "pods"};
  how.name_space = found.pool.key.name_space;
  how.label_selector = found.pool.selector;
  how.backoff = options_.backoff;
  auto informer = std::make_unique<Informer>(
      client_, how, [this, key = found.pool.key](auto) { reconcile_endpoints(key); }, metrics_);
  informer->start();
  if (found.pods == nullptr) {
    found.pods = std::move(informer);
    return;
  }
  if (found.next_pods != nullptr) retire(std::move(found.next_pods));
  found.next_pods = std::move(informer);
}

void PoolDiscovery::retire(std::unique_ptr<Informer> informer) {
  scope_.spawn(end(std::move(informer)));
}

async::Task<void> PoolDiscovery::end(std::unique_ptr<Informer> informer) {
  co_await informer->stop();
}

void PoolDiscovery::drop(const ObjectKey& key) {
  const auto found = pools_.find(key);
  if (found == pools_.end()) return;
  log::info("pool gone", {{"pool", key.to_string()}});
  retire(std::move(found->second->pods));
  if (found->second->next_pods != nullptr) retire(std::move(found->second->next_pods));
  pools_.erase(found);
  sink_.pool_gone(key);
}

void PoolDiscovery::reconcile_endpoints(const ObjectKey& key) {
  const auto at = pools_.find(key);
  if (at == pools_.end()) return;  // dropped while its last list was on its way
  Found& found = *at->second;
  if (found.next_pods != nullptr) {
    if (!found.next_pods->synced()) return;
    retire(std::exchange(found.pods, std::move(found.next_pods)));
  }
  if (!found.pods->synced()) return;
  std::vector<router::FileEndpoint> endpoints = endpoints_of(found.pool, found.pods->objects());
  if (!found.has_told || endpoints != found.told) {
    log::info("endpoints of pool", {{"pool", key.to_string()}, {"count", endpoints.size()}});
    found.told = std::move(endpoints);
    found.has_told = true;
    sink_.endpoints_changed(key, found.told);
  }
  update_synced();
}

void PoolDiscovery::reconcile_objects(Space& space) {
  const auto is_synced = [](const auto& informer) { return informer->synced(); };
  if (std::all_of(space.objectives.begin(), space.objectives.end(), is_synced) &&
      std::all_of(space.rewrites.begin(), space.rewrites.end(), is_synced)) {
    ObjectiveSet all;
    for (std::size_t i = 0; i < std::size(kObjectGroups); ++i) {
      add_objects(space.objectives[i]->objects(), kObjectGroups[i], "InferenceObjective", all);
      add_objects(space.rewrites[i]->objects(), kObjectGroups[i], "InferenceModelRewrite", all);
    }
    sink_.objects_changed(space.name, all);
  }
  update_synced();
}

void PoolDiscovery::update_synced() {
  bool all = !pools_.empty();
  if (synced_ && all) return;  // a pool that comes later does not take the others out
  for (const auto& [name, space] : spaces_) all = all && space->synced();
  for (const auto& [key, found] : pools_) all = all && found->has_told;
  synced_ = all;
}

}  // namespace nacelle::epp
