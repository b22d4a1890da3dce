#include "control/core/node/node_object.h"

#include <utility>

namespace nacelle::control::node {
namespace {

using pod::Json;

Json amounts(const pod::Resources& resources) {
  Json out = Json::object();
  for (const auto& [name, amount] : resources) out[name] = amount.to_string();
  return out;
}

Json condition(const char* type, bool status, const char* reason, const char* message,
               pod::WallTime since, pod::WallTime now) {
  return {{"type", type},
          {"status", status ? "True" : "False"},
          {"reason", reason},
          {"message", message},
          {"lastHeartbeatTime", pod::to_rfc3339(now)},
          {"lastTransitionTime", pod::to_rfc3339(since)}};
}

// MicroTime: exactly six digits behind the seconds.
std::string micro_time(pod::WallTime time) {
  std::string text = pod::to_rfc3339_nano(time);
  return text.substr(0, text.size() - 4) + "Z";
}

}  // namespace

pod::Resources allocatable_of(const pod::Resources& capacity) { return capacity; }

Json node_object(const NodeFacts& facts) {
  Json labels = {{"kubernetes.io/hostname", facts.name},
                 {"kubernetes.io/os", "linux"},
                 {"kubernetes.io/arch", facts.architecture},
                 {"node.kubernetes.io/instance-type", "nacelle-local"}};
  for (const auto& [name, value] : facts.labels) labels[name] = value;
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata",
           {{"name", facts.name},
            {"labels", std::move(labels)},
            {"annotations",
             {{"nacelle.dev/mounts", facts.mounts}, {"nacelle.dev/limits", facts.limits}}}}},
          {"spec", {{"podCIDR", facts.pod_range}, {"podCIDRs", Json::array({facts.pod_range})}}}};
}

Json node_status(const NodeFacts& facts, pod::WallTime since, pod::WallTime now) {
  Json conditions = Json::array();
  conditions.push_back(facts.low_memory
                           ? condition("MemoryPressure", true, "NodeHasInsufficientMemory",
                                       "the node has little memory left", since, now)
                           : condition("MemoryPressure", false, "NodeHasSufficientMemory",
                                       "the node has sufficient memory available", since, now));
  conditions.push_back(facts.low_disk
                           ? condition("DiskPressure", true, "NodeHasDiskPressure",
                                       "the node's data directory has little room left", since, now)
                           : condition("DiskPressure", false, "NodeHasNoDiskPressure",
                                       "the node has no disk pressure", since, now));
  conditions.push_back(condition("PIDPressure", false, "NodeHasSufficientPID",
                                 "the node has sufficient PID available", since, now));
  conditions.push_back(
      condition("Ready", true, "NodeReady", "the node agent is posting ready status", since, now));
  return {{"capacity", amounts(facts.capacity)},
          {"allocatable", amounts(allocatable_of(facts.capacity))},
          {"conditions", std::move(conditions)},
          {"addresses", Json::array({Json{{"type", "InternalIP"}, {"address", facts.address}},
                                     Json{{"type", "Hostname"}, {"address", facts.name}}})},
          {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 0}}}}},
          {"nodeInfo",
           {{"machineID", facts.machine_id},
            {"systemUUID", facts.machine_id},
            {"bootID", facts.boot_id},
            {"kernelVersion", facts.kernel},
            {"osImage", "Nacelle local node"},
            {"containerRuntimeVersion", "nacelle://" + facts.version},
            {"kubeletVersion", "v1.36.0-nacelle." + facts.version},
            {"kubeProxyVersion", ""},
            {"operatingSystem", "linux"},
            {"architecture", facts.architecture}}}};
}

Json node_lease(const std::string& name, pod::WallTime now) {
  return {
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata", {{"name", name}, {"namespace", "kube-node-lease"}}},
      {"spec",
       {{"holderIdentity", name}, {"leaseDurationSeconds", 40}, {"renewTime", micro_time(now)}}}};
}

}  // namespace nacelle::control::node
