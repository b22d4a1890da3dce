#include <algorithm>
#include <set>

#include "gateway/config/compiler.h"

namespace nacelle::gateway {
namespace {

std::string address_of(const std::string& host, std::uint16_t port) {
  return net::HostPort{host, port}.to_string();
}

// Names have no white space.
std::string label_key(const std::string& name_space, const std::string& key,
                      const std::string& value) {
  return fmt::format("{} {} {}", name_space, key, value);
}

}  // namespace

Clusters::Clusters(References& references) : references_(references) {
  index_slices();
  index_pods();
  index_picker_objects();
}

void Clusters::index_slices() {
  for (const SliceObject& slice : references_.objects().slices)
    slices_[slice.meta.name_space + "/" + slice.service].push_back(&slice);
}

void Clusters::index_pods() {
  const Objects& objects = references_.objects();
  if (!objects.pods) return;
  std::set<std::string_view> keys;  // few, where pools are made by one hand
  for (const PoolObject& pool : objects.pools) {
    for (const auto& [key, value] : pool.selector) {
      pods_.try_emplace(label_key(pool.meta.name_space, key, value));
      keys.insert(key);
    }
  }
  for (const PodObject& pod : *objects.pods) {
    for (const auto& [key, value] : pod.labels) {
      if (!keys.contains(key)) continue;
      const auto asked = pods_.find(label_key(pod.name_space, key, value));
      if (asked != pods_.end()) asked->second.push_back(&pod);
    }
  }
}

void Clusters::index_picker_objects() {
  std::size_t at = 0;
  for (const PickerObject& object : references_.objects().picker_objects)
    picker_objects_[object.name_space + "/" + object.pool].emplace_back(at++, &object);
}

std::uint32_t Clusters::find_or_add(const ObjectRef& ref, const RouteObject& from) {
  const bool is_external = ref.group == kEnvoyGroup && ref.kind == "Backend";
  const bool is_service = ref.group.empty() && ref.kind == "Service";
  const bool is_pool = ref.group == kPoolGroup && ref.kind == "InferencePool";
  if (!is_service && !is_pool && !is_external) {
    references_.refuse(ref,
                       fmt::format("kind '{}' of group '{}' is no backend; Service of group '', "
                                   "InferencePool of group {} and Backend of group {} are",
                                   ref.kind, ref.group, kPoolGroup, kEnvoyGroup),
                       "InvalidKind");
    return kNoCluster;
  }
  if (!references_.granted(from.group, from.kind, from.meta.name_space, ref)) {
    references_.refuse(
        ref,
        fmt::format("no ReferenceGrant in namespace {} lets {}s of {} name {} {}", ref.name_space,
                    from.kind, from.meta.name_space, ref.kind, ref.name),
        "RefNotPermitted");
    return kNoCluster;
  }
  if (is_external) return external(ref);
  return is_service ? service(ref) : pool(ref);
}

std::uint32_t Clusters::add(ClusterConfig cluster, const ObjectRef& ref) {
  add_static_endpoints(ref, cluster);
  apply_policies(ref, cluster);
  std::sort(cluster.endpoints.begin(), cluster.endpoints.end());
  cluster.endpoints.erase(std::unique(cluster.endpoints.begin(), cluster.endpoints.end()),
                          cluster.endpoints.end());
  const auto index = static_cast<std::uint32_t>(clusters_.size());
  by_name_[cluster.name] = index;
  clusters_.push_back(std::move(cluster));
  return index;
}

std::uint32_t Clusters::service(const ObjectRef& ref) {
  const Objects& objects = references_.objects();
  const ServiceObject* service = references_.find(objects.services, ref, "Service");
  if (service == nullptr) return kNoCluster;
  if (service->external_name) {
    references_.refuse(ref, "a Service of type ExternalName is not accepted as a backend",
                       "UnsupportedProtocol");
    return kNoCluster;
  }
  if (!ref.port) {
    references_.refuse(ref, "port is required for a Service");
    return kNoCluster;
  }
  const auto port = std::find_if(service->ports.begin(), service->ports.end(),
                                 [&](const ServicePort& p) { return p.port == *ref.port; });
  if (port == service->ports.end()) {
    references_.refuse(ref, fmt::format("Service {} has no port {}", ref.name, *ref.port));
    return kNoCluster;
  }
  std::string cluster_name = fmt::format("service/{}/{}/{}", ref.name_space, ref.name, *ref.port);
  if (const auto known = by_name_.find(cluster_name); known != by_name_.end()) return known->second;
  ClusterConfig cluster;
  cluster.name = std::move(cluster_name);
  cluster.http2 = port->protocol == "kubernetes.io/h2c";
  const auto slices = slices_.find(ref.name_space + "/" + ref.name);
  static const std::vector<const SliceObject*> kNoSlices;
  for (const SliceObject* one : slices == slices_.end() ? kNoSlices : slices->second) {
    const SliceObject& slice = *one;
    std::uint16_t number = port->target;
    for (const auto& [name, slice_port] : slice.ports) {
      if (name == port->name || (!port->target_name.empty() && name == port->target_name))
        number = slice_port;
    }
    if (number == 0) continue;
    for (const std::string& host : slice.addresses)
      cluster.endpoints.push_back(address_of(host, number));
  }
  apply_tls(ref, port->name, cluster);
  return add(std::move(cluster), ref);
}

std::uint32_t Clusters::pool(const ObjectRef& ref) {
  const PoolObject* pool = references_.find(references_.objects().pools, ref, "InferencePool");
  if (pool == nullptr) return kNoCluster;
  std::string cluster_name = fmt::format("pool/{}/{}", ref.name_space, ref.name);
  if (const auto known = by_name_.find(cluster_name); known != by_name_.end()) return known->second;
  ClusterConfig cluster;
  cluster.kind = ClusterConfig::Kind::kPool;
  cluster.name = std::move(cluster_name);
  cluster.http2 = pool->http2;
  add_pods(*pool, cluster);
  cluster.traffic.outlier.reset();  // the picker decides who serves
  cluster.traffic.breaker.max_connections = UINT32_MAX;
  cluster.traffic.breaker.max_requests = UINT32_MAX;
  apply_tls(ref, "", cluster);
  return add(std::move(cluster), ref);
}

std::uint32_t Clusters::external(const ObjectRef& ref) {
  const ExternalBackendObject* backend =
      references_.find(references_.objects().backends, ref, "Backend");
  if (backend == nullptr) return kNoCluster;
  ClusterConfig cluster;
  cluster.name = fmt::format("backend/{}/{}", ref.name_space, ref.name);
  if (const auto known = by_name_.find(cluster.name); known != by_name_.end()) return known->second;
  cluster.http2 = backend->http2;
  for (const net::HostPort& address : backend->endpoints)
    cluster.endpoints.push_back(address.to_string());
  if (backend->tls) {
    cluster.tls.emplace();
    cluster.tls->server_name = backend->server_name;
    for (const ObjectRef& authority : backend->authorities) {
      cluster.tls->authorities +=
          authority.kind == "Secret"
              ? references_.value(references_.objects().secrets, authority, "Secret", "ca.crt")
              : references_.value(references_.objects().config_maps, authority, "ConfigMap",
                                  "ca.crt");
    }
    if (backend->certificate) {
      if (auto ours = certificate_of(references_, *backend->certificate, ref.name_space))
        cluster.tls->certificate = std::move(*ours);
    }
  }
  apply_tls(ref, "", cluster);
  return add(std::move(cluster), ref);
}

// Those that have the rarest of the labels that the pool asks for.
const std::vector<const PodObject*>& Clusters::candidates(const PoolObject& pool) const {
  static const std::vector<const PodObject*> kNone;
  const std::vector<const PodObject*>* fewest = &kNone;
  for (const auto& [key, value] : pool.selector) {
    const auto& pods = pods_.at(label_key(pool.meta.name_space, key, value));
    if (fewest == &kNone || pods.size() < fewest->size()) fewest = &pods;
  }
  return *fewest;
}

void Clusters::add_pods(const PoolObject& pool, ClusterConfig& cluster) {
  if (!references_.objects().pods) return;
  cluster.discovered = true;
  for (const PodObject* pod : candidates(pool)) {
    const bool chosen =
        pod->name_space == pool.meta.name_space &&
        std::all_of(pool.selector.begin(), pool.selector.end(), [&](const auto& pair) {
          const auto found = pod->labels.find(pair.first);
          return found != pod->labels.end() && found->second == pair.second;
        });
    if (!chosen) continue;
    for (const std::uint16_t port : pool.ports) {
      cluster.endpoints.push_back(address_of(pod->address, port));
      cluster.labels[cluster.endpoints.back()] = pod->labels;
    }
  }
}

void Clusters::add_static_endpoints(const ObjectRef& ref, ClusterConfig& cluster) {
  for (const StaticEndpointsObject* list : references_.targeting(
           references_.objects().endpoints, ref.kind, ref.name_space + "/" + ref.name)) {
    cluster.endpoints.insert(cluster.endpoints.end(), list->addresses.begin(),
                             list->addresses.end());
  }
}

void Clusters::apply_policies(const ObjectRef& ref, ClusterConfig& cluster) {
  const auto& settings = references_.objects().settings;
  cluster.traffic.connect_timeout =
      settings ? settings->limits.connect_timeout : GatewayLimits().connect_timeout;
  for (const PolicyObject* policy : references_.targeting(references_.objects().policies, ref.kind,
                                                          ref.name_space + "/" + ref.name)) {
    if (policy->traffic) cluster.traffic = *policy->traffic;
    if (policy->picker) {
      cluster.picker = *policy->picker;
      if (cluster.kind != ClusterConfig::Kind::kPool)
        references_.problems().add(policy->meta.where, "picker belongs to an InferencePool");
    }
  }
  if (cluster.kind != ClusterConfig::Kind::kPool) return;
  std::vector<std::pair<std::size_t, const PickerObject*>> chosen;
  for (const std::string& pool : {std::string(), ref.name}) {
    const auto found = picker_objects_.find(ref.name_space + "/" + pool);
    if (found == picker_objects_.end()) continue;
    chosen.insert(chosen.end(), found->second.begin(), found->second.end());
  }
  std::sort(chosen.begin(), chosen.end());
  for (const auto& [at, object] : chosen) cluster.picker.objects += "---\n" + object->text + "\n";
}

void Clusters::apply_tls(const ObjectRef& ref, const std::string& port_name,
                         ClusterConfig& cluster) {
  const BackendTlsObject* chosen = nullptr;
  bool chosen_by_port = false;
  for (const BackendTlsObject* one : references_.targeting(
           references_.objects().backend_tls, ref.kind, ref.name_space + "/" + ref.name)) {
    const BackendTlsObject& policy = *one;
    for (const ObjectRef& target : policy.targets) {
      if (target.kind != ref.kind || target.name != ref.name ||
          target.name_space != ref.name_space ||
          (!target.section.empty() && target.section != port_name)) {
        continue;
      }
      const bool by_port = !target.section.empty();
      const auto age = [](const BackendTlsObject* p) {
        return std::make_pair(p->meta.created, p->meta.full_name());
      };
      if (chosen == nullptr || (by_port && !chosen_by_port) ||
          (by_port == chosen_by_port && age(&policy) < age(chosen))) {
        chosen = &policy;
        chosen_by_port = by_port;
      }
    }
  }
  if (chosen == nullptr) return;
  UpstreamTls tls;
  tls.server_name = chosen->hostname;
  tls.alternative_names = chosen->alternative_names;
  for (const ObjectRef& authority : chosen->authorities)
    tls.authorities +=
        references_.value(references_.objects().config_maps, authority, "ConfigMap", "ca.crt");
  cluster.tls = std::move(tls);  // appProtocol h2c then means HTTP/2 by ALPN
}

}  // namespace nacelle::gateway
