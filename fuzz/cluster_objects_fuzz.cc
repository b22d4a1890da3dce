// links: control
// cluster_objects_fuzz.cc: any text as the objects of a cluster, as scheduler, controller of nodes
// and proxy of Services read them: {"pod": {}, "node": {}, "service": {}, "slices": [{}]}.
//
// Checks: a pod gets a node that has nothing against it, or a reason; decisions about nodes come to
// rest when they are carried out; routes have ports; every line of a file of names is one name.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "control/core/node_lifecycle/node_lifecycle.h"
#include "control/core/scheduler/place.h"
#include "control/core/service_routes.h"

namespace {

using namespace nacelle::control;
using nacelle::kube::Json;

void require(bool condition) {
  if (!condition) std::abort();
}

void schedule(const Json& pod, const Json& node, const Json& volume) {
  auto demand = scheduler::pod_demand(pod);
  if (!demand.ok()) return;
  const scheduler::ClaimLookup lookup{
      [&](std::string_view, std::string_view) { return &volume; },
      [&](std::string_view name) { return name.size() % 2 == 0 ? &volume : nullptr; },
      [&](std::string_view) { return &node; }};
  scheduler::add_claims(pod, lookup, *demand);
  std::vector<scheduler::NodeOffer> nodes = {scheduler::node_offer(node)};
  if (nodes[0].name.empty()) return;  // every object of an API has a name
  for (int i = 0; i < 3; ++i) {
    const scheduler::Placement at = scheduler::place(*demand, nodes);
    require(!at.why.empty() || scheduler::refusals(*demand, nodes[0]).empty());
    require(at.node.empty() != at.why.empty());
    if (!at.why.empty()) break;
    require(at.node == nodes[0].name);
    nodes[0].take(std::make_shared<scheduler::PodDemand>(*demand));
  }
}

void live(const Json& pod, const Json& node) {
  namespace lifecycle = node_lifecycle;
  std::vector<lifecycle::NodeSeen> nodes = {lifecycle::node_seen(node)};
  std::vector<lifecycle::PodSeen> pods = {lifecycle::pod_seen(pod)};
  lifecycle::Memory memory;
  nacelle::TimePoint now{std::chrono::hours(1)};
  for (int i = 0; i < 4; ++i, now += std::chrono::minutes(10)) {
    for (int round = 0; round < 2; ++round) {
      const auto decision = lifecycle::decide(nodes, pods, memory, now, {});
      require(round == 0 || decision.actions.empty());
      for (const lifecycle::Action& action : decision.actions) {
        if (std::holds_alternative<lifecycle::SetUnknown>(action)) {
          nodes[0].ready = lifecycle::Readiness::kUnknown;
        } else if (const auto* taints = std::get_if<lifecycle::SetTaints>(&action)) {
          std::erase_if(nodes[0].taints,
                        [](const Taint& one) { return lifecycle::is_ours(one.key); });
          nodes[0].taints.insert(nodes[0].taints.end(), taints->taints.begin(),
                                 taints->taints.end());
        } else if (std::holds_alternative<lifecycle::SetPodNotReady>(action)) {
          pods[0].ready = false;
        } else if (std::holds_alternative<lifecycle::Evict>(action)) {
          pods[0].deleting = true;
        } else {
          pods.clear();
        }
      }
    }
  }
}

void route(const Json& service, const Json& slices) {
  std::vector<const Json*> pointers;
  for (const Json& one : slices) pointers.push_back(&one);
  for (const ServiceRoute& one : service_routes(service, pointers)) {
    require(one.port != 0 && !one.address.empty());
    for (const ServiceEndpoint& endpoint : one.endpoints) require(endpoint.port != 0);
  }
  (void)unforwarded(service);
  const std::vector<ServiceName> names = service_names(service, pointers);
  const std::string text = hosts_text("", "ns", names);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  require(lines <= names.size() && (text.empty() || text.ends_with('\n')));
  require(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\t')) == lines);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Json all = Json::parse(data, data + size, nullptr, false);
  if (!all.is_object()) return 0;
  const Json pod = all.value("pod", Json::object());
  const Json node = all.value("node", Json::object());
  const Json service = all.value("service", Json::object());
  schedule(pod, node, all.value("volume", Json::object()));
  live(pod, node);
  route(service, nacelle::kube::list_at(all, {"slices"}));
  return 0;
}
