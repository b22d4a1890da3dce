#include "cli/kube/nodes.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "cli/kube/table_text.h"

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

const kube::Resource& nodes() {
  static const kube::Resource kNodes("", "v1", "nodes");
  return kNodes;
}

bool is_stopped(const Json& node) {
  return text_at(node, {"metadata", "annotations", kStoppedAnnotation}) == "true";
}

std::string status_of(const Json& node) {
  std::string out = "Unknown";
  for (const Json& condition : kube::list_at(node, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) != "Ready") continue;
    const std::string_view status = text_at(condition, {"status"});
    out = status == "True" ? "Ready" : status == "False" ? "NotReady" : "Unknown";
  }
  if (is_stopped(node)) out += ",Stopped";
  if (kube::bool_at(node, {"spec", "unschedulable"})) out += ",SchedulingDisabled";
  return out;
}

std::string capacity(const Json& node, std::string_view resource) {
  const Json* value = kube::find(node, {"status", "allocatable", resource});
  if (value == nullptr) value = kube::find(node, {"status", "capacity", resource});
  if (value == nullptr) return "<none>";
  return value->is_string() ? value->get<std::string>() : value->dump();
}

// Everything that is neither a core resource nor of the system: "nvidia.com/gpu=2".
std::string devices(const Json& node) {
  std::string out;
  for (const auto& [name, amount] : kube::map_at(node, {"status", "capacity"}).items()) {
    if (name.find('/') == std::string::npos) continue;
    out += (out.empty() ? "" : ",") + name + "=" +
           (amount.is_string() ? amount.get<std::string>() : amount.dump());
  }
  return out.empty() ? "<none>" : out;
}

void explain(const Cluster& cluster, const Result<kube::Answer>& answer, const Terminal& terminal) {
  terminal.err(sentence(answer) + "\n");
  if (!answer.ok()) terminal.err(cluster.hint + "\n");
}

}  // namespace

async::Task<int> list_nodes(Cluster& cluster, const Terminal& terminal) {
  auto list = co_await cluster.client->list(nodes(), "");
  if (!succeeded(list)) {
    explain(cluster, list, terminal);
    co_return 1;
  }
  kube::Resource pods("", "v1", "pods");
  kube::ListOptions running;
  running.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
  auto on_them = co_await cluster.client->list(pods, "", running);
  if (!succeeded(on_them)) {
    explain(cluster, on_them, terminal);
    co_return 1;
  }
  std::map<std::string, int> counts;
  for (const Json& pod : kube::list_at(on_them->body, {"items"})) {
    ++counts[std::string(text_at(pod, {"spec", "nodeName"}))];
  }
  if (kube::list_at(list->body, {"items"}).empty()) {
    terminal.err("There are no nodes.\n");
    co_return 0;
  }
  TextColumns table;
  table.add({"NAME", "STATUS", "PODS", "CPU", "MEMORY", "DEVICES", "ADDRESS"});
  for (const Json& node : kube::list_at(list->body, {"items"})) {
    const std::string name = kube::key_of(node).name;
    std::string address = "<none>";
    for (const Json& each : kube::list_at(node, {"status", "addresses"})) {
      if (text_at(each, {"type"}) == "InternalIP") address = text_at(each, {"address"});
    }
    table.add({name, status_of(node), std::to_string(counts[name]), capacity(node, "cpu"),
               capacity(node, "memory"), devices(node), address});
  }
  terminal.out(table.take());
  co_return 0;
}

async::Task<int> stop_node(Cluster& cluster, std::string name, bool stop,
                           const Terminal& terminal) {
  kube::ObjectRef ref(nodes(), "", name);
  auto before = co_await cluster.client->get(ref);
  if (!succeeded(before)) {
    explain(cluster, before, terminal);
    if (before.ok() && before->error->absent()) {
      terminal.err("`nacelle node list` shows the nodes.\n");
    }
    co_return 1;
  }
  if (is_stopped(before->body) == stop) {
    terminal.out(fmt::format("node/{} is {} already\n", name, stop ? "stopped" : "started"));
    co_return 0;
  }
  Json patch;
  patch["metadata"]["annotations"][std::string(kStoppedAnnotation)] =
      stop ? Json("true") : Json(nullptr);
  auto answer = co_await cluster.client->patch(ref, kube::PatchType::kMerge, std::move(patch));
  if (!succeeded(answer)) {
    explain(cluster, answer, terminal);
    co_return 1;
  }
  terminal.warn(answer->warnings);
  terminal.out(fmt::format("node/{} {}\n", name, stop ? "stopped" : "started"));
  co_return 0;
}

}  // namespace nacelle::cli
