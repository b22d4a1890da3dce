#include "apps/nacelle/epp_pools.h"

#include <algorithm>
#include <utility>

#include "telemetry/log.h"
#include "telemetry/merged_text.h"

namespace nacelle::apps {

using router::objective::ObjectiveSet;

EppPools::EppPools(async::Runtime& runtime, EppOptions options, ObjectiveSet objects,
                   tracing::SpanExporter* spans)
    : runtime_(runtime),
      options_(std::move(options)),
      several_(!options_.pools_of_service.empty() || options_.pools.size() > 1),
      file_objects_(std::move(objects)),
      spans_(spans),
      leaving_(runtime.loop(0)) {}

EppPools::TablePtr EppPools::table() const {
  const std::scoped_lock lock(mutex_);
  return table_;
}

std::size_t EppPools::size() const { return table()->pools.size(); }

EppPools::Pool EppPools::find(const kube::ObjectKey& key) const {
  for (const Pool& pool : table()->pools) {
    if (pool->name().key == key) return pool;
  }
  return nullptr;
}

void EppPools::publish(Table next) {
  auto table = std::make_shared<const Table>(std::move(next));
  const std::scoped_lock lock(mutex_);
  table_.swap(table);
}

ObjectiveSet EppPools::objects_of(const std::string& name_space) const {
  ObjectiveSet all = file_objects_;
  const std::scoped_lock lock(mutex_);
  if (const auto found = objects_.find(name_space); found != objects_.end()) {
    const ObjectiveSet& own = found->second;
    all.objectives.insert(all.objectives.end(), own.objectives.begin(), own.objectives.end());
    all.rewrites.insert(all.rewrites.end(), own.rewrites.begin(), own.rewrites.end());
  }
  return all;
}

Status EppPools::open(epp::PoolName name, const std::string& endpoints_file) {
  EppOptions options = options_;
  if (several_ && !options.record.empty()) {
    options.record += "." + name.key.name_space + "." + name.key.name;
  }
  ASSIGN_OR_RETURN(Pool pool, EppPool::create(runtime_, options, name, endpoints_file, spans_));
  pool->set_objects(objects_of(name.key.name_space));
  pool->start();
  Table next = *table();
  next.names.push_back(std::move(name));
  next.pools.push_back(std::move(pool));
  publish(std::move(next));
  return {};
}

Status EppPools::add(const kube::ObjectKey& key, const std::string& endpoints_file) {
  if (find(key) != nullptr) {
    return invalid_argument("pool {} is given twice", key.to_string());
  }
  return open({key, ""}, endpoints_file);
}

Result<std::shared_ptr<EppPool>> EppPools::choose(const net::http::Headers& metadata) const {
  const TablePtr pools = table();
  if (pools->pools.empty()) return unavailable("no pool is known yet");
  const std::string_view asked = metadata.get(epp::kPoolMetadata);
  const std::string_view authority = metadata.get("host");
  const auto chosen = epp::choose_pool(pools->names, asked, authority);
  if (chosen) return pools->pools[*chosen];
  return not_found("none of {} pools is meant by {} '{}' and authority '{}'", pools->pools.size(),
                   epp::kPoolMetadata, asked.substr(0, 200), authority.substr(0, 200));
}

std::string EppPools::metrics_text() const {
  const TablePtr pools = table();
  telemetry::MergedText page;
  for (const Pool& pool : pools->pools) {
    const kube::ObjectKey& key = pool->name().key;
    telemetry::Labels labels;
    if (several_) {
      labels = {{"inference_pool", key.name}, {"inference_pool_namespace", key.name_space}};
    }
    page.add(pool->metrics().serialize(), labels);
  }
  return page.text();
}

void EppPools::pool_found(const epp::InferencePool& pool) {
  const epp::PoolName name{pool.key, pool.picker_service};
  if (find(pool.key) != nullptr) {
    // Only its Service can be new here: the rest reaches the pool as endpoints.
    Table next = *table();
    for (epp::PoolName& known : next.names) {
      if (known.key == pool.key) known.service = pool.picker_service;
    }
    return publish(std::move(next));
  }
  if (const Status opened = open(name, ""); !opened.ok()) {
    log::error("a pool is not served", {{"pool", pool.key.to_string()}, {"why", opened}});
  }
}

EppPools::Pool EppPools::take(const kube::ObjectKey& key) {
  Table next = *table();
  for (std::size_t i = 0; i < next.pools.size(); ++i) {
    if (next.names[i].key != key) continue;
    Pool pool = std::move(next.pools[i]);
    next.names.erase(next.names.begin() + static_cast<std::ptrdiff_t>(i));
    next.pools.erase(next.pools.begin() + static_cast<std::ptrdiff_t>(i));
    publish(std::move(next));
    return pool;
  }
  return nullptr;
}

void EppPools::pool_gone(const kube::ObjectKey& key) {
  Pool pool = take(key);
  if (pool == nullptr) return;
  runtime_.loop(0).post([this, pool = std::move(pool)] { leaving_.spawn(stop_one(pool)); });
}

async::Task<void> EppPools::stop_one(Pool pool) { co_await pool->stop(); }

void EppPools::endpoints_changed(const kube::ObjectKey& key,
                                 const std::vector<router::FileEndpoint>& endpoints) {
  if (const Pool pool = find(key)) pool->set_endpoints(endpoints);
}

void EppPools::objects_changed(const std::string& name_space, const ObjectiveSet& objects) {
  {
    const std::scoped_lock lock(mutex_);
    objects_[name_space] = objects;
  }
  const ObjectiveSet all = objects_of(name_space);
  for (const Pool& pool : table()->pools) {
    if (pool->name().key.name_space == name_space) pool->set_objects(all);
  }
}

async::Task<void> EppPools::stop() {
  const TablePtr pools = table();
  publish({});
  for (const Pool& pool : pools->pools) co_await pool->stop();
  leaving_.stop();
  co_await leaving_.join();
}

}  // namespace nacelle::apps
