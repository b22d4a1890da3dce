// local_cluster.h: an API server and the nodes of this machine, for tests that write objects and
// wait for what becomes of them.
//
// Home:    the test's thread; the nodes live on a loop of the API's runtime.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/kube/node/local_nodes.h"
#include "kube/client.h"
#include "kube/local_transport.h"
#include "kube/testing/api_fixture.h"
#include "net/testing/test_folder.h"

namespace nacelle::control::node::testing {

using kube::Json;

class LocalCluster {
 public:
  // Node folders are kept for as long as the cluster is, over stop_nodes() and start_nodes().
  explicit LocalCluster(LocalNodesOptions options = {});
  ~LocalCluster();  // ends the pods

  [[nodiscard]] Status start_nodes();
  void stop_nodes(NodeAgent::Stop how);

  [[nodiscard]] kube::testing::ApiFixture& api() { return *api_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

  // Waits until the object holds, by a watch: null when it has not within half a minute.
  [[nodiscard]] Json await(const std::string& collection, const std::string& name,
                           const std::function<bool(const Json&)>& holds);
  [[nodiscard]] bool await_gone(const std::string& collection, const std::string& name);

  // Creates it in namespace default; the answer must be 201.
  void create_pod(const Json& pod);
  [[nodiscard]] Json await_pod(const std::string& name,
                               const std::function<bool(const Json&)>& holds) {
    return await(kPods, name, holds);
  }

  static constexpr const char* kPods = "/api/v1/namespaces/default/pods";
  static constexpr const char* kNodes = "/api/v1/nodes";

 private:
  net::testing::TestFolder folder_;
  LocalNodesOptions options_;
  NodeLogs logs_;
  NodeMetrics metrics_;
  std::unique_ptr<kube::testing::ApiFixture> api_;
  std::shared_ptr<kube::LocalTransport> transport_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<LocalNodes> nodes_;
};

// A pod with one container "c" that runs a script of the host's shell. In it $$ is $.
[[nodiscard]] Json shell_pod(const std::string& name, const std::string& script);

[[nodiscard]] std::string condition_of(const Json& object, std::string_view type);
[[nodiscard]] std::string condition_message(const Json& object, std::string_view type);
[[nodiscard]] inline bool is_ready(const Json& object) {
  return condition_of(object, "Ready") == "True";
}
[[nodiscard]] inline std::string phase_of(const Json& pod) {
  return std::string(kube::text_at(pod, {"status", "phase"}));
}

}  // namespace nacelle::control::node::testing
