// local_nodes.h: the nodes of this machine as a cluster sees them, over one client of its API.
//
//   NodeLogs logs;                                   // before the API server: it asks for logs
//   auto api = ApiServer::start(runtime, {.pod_logs = &logs, ...});
//   Client client(std::make_shared<LocalTransport>(loop, api->handler()));
//   ASSIGN_OR_RETURN(auto nodes, LocalNodes::create(client, logs, options));
//   CO_RETURN_IF_ERROR(co_await nodes->start());     // agents adopt what runs, nodes register
//   ...
//   co_await nodes->stop(NodeAgent::Stop::kLeavePods);   // before the client and the API server
//
// N nodes with a folder, an address range, a capacity and an agent each; beside them the scheduler,
// the controller that notices lost nodes and evicts, and the forwarders of Services. `nacelle node
// stop NAME` sets the annotation kStoppedAnnotation of a Node to "true": its processes are killed
// and its heartbeat ends, as if its power went; taking the annotation away brings it back.
//
// Home:    the client's loop: create(), start() and stop() run there. NodeLogs: any.
// Errors:  create(): invalid_argument (names). start(): unavailable when the folder of a
//          node is in use or the API does not answer in time; what was started is stopped again.
// Bounds:  kMaxNodes; per node 110 pods where nothing else is said.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "control/core/loopback_range.h"
#include "control/kube/node/node_logs.h"
#include "control/kube/node/node_metrics.h"
#include "control/local/node/node_agent.h"
#include "control/local/node/node_config.h"
#include "kube/client.h"

namespace nacelle::control::node {

// On a Node object; "true" loses the node.
inline constexpr const char* kStoppedAnnotation = "nacelle.dev/stopped";

struct LocalNodesOptions {
  std::filesystem::path folder;  // every node has <folder>/<name>
  std::size_t nodes = 1;
  std::string name_prefix = "node-";  // node-1, node-2, ...
  std::vector<std::string> names;     // instead of the prefix and the number of nodes
  LoopbackRange range;                // of the addresses of their pods
  // What the nodes have in common. Name, folder and range are set for each. Capacity is each
  // node's; cpu and memory that are not given are this machine's, divided by the number of nodes.
  NodeConfig node;
  // A node whose heartbeat is older counts as lost; it beats four times as often.
  Duration grace = 40s;
  // Pods that tolerate a lost node for a time stay for no longer than this; not given: as long as
  // they say, which is 300 s by default.
  std::optional<Duration> longest_toleration;
  bool forward_services = true;
  // Told what nodes and pods use, which is measured this often while pods run; outlives the nodes.
  // Null: nothing is measured.
  NodeMetrics* metrics = nullptr;
  Duration sample_every = 15s;
};

class LocalNodes {
 public:
  static constexpr std::size_t kMaxNodes = LoopbackRange::kNodes;

  // `client` and `logs` outlive it.
  [[nodiscard]] static Result<std::unique_ptr<LocalNodes>> create(kube::Client& client,
                                                                  NodeLogs& logs,
                                                                  LocalNodesOptions options);
  ~LocalNodes();
  LocalNodes(const LocalNodes&) = delete;
  LocalNodes& operator=(const LocalNodes&) = delete;

  // Returns when the agents run and their nodes are registered.
  [[nodiscard]] async::Task<Status> start(Duration patience = 30s);
  // kLeavePods: pods go on and are adopted by the next start. kEndPods: within their grace.
  // Await before destruction, also after a start() that failed.
  [[nodiscard]] async::Task<void> stop(NodeAgent::Stop how);

  [[nodiscard]] std::vector<std::string> names() const;

  struct Impl;

 private:
  explicit LocalNodes(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::control::node
