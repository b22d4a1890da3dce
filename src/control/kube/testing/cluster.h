// cluster.h: an API server with our kinds, the controllers on it, and stand-ins for nodes and the
// gateway, in one process, for tests.
//
// Home:    the test's thread; everything else runs on a loop of the server's runtime.
#pragma once

#include <memory>
#include <string>

#include "control/kube/controllers.h"
#include "kube/local_transport.h"
#include "kube/testing/api_fixture.h"

namespace nacelle::control::testing {

struct ClusterOptions {
  // They outlive it: what kinds that nobody stores are read from.
  std::map<std::string, kube::ObjectSource*, std::less<>> sources = {};
  LlmdOptions llmd = {};
  // Asks an address of a service; null: all answer at once.
  AddressProber::Ask ask = {};
  // How controllers talk to the API: in process, or over TLS with the token of the kubeconfig.
  kube::testing::ApiFixture::Door door = kube::testing::ApiFixture::Door::kNone;
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options = {});
  ~Cluster();

  // Server-side apply of an object; its answer.
  kube::testing::ApiReply apply(const Json& object);

  [[nodiscard]] Json get(const std::string& api_version, const std::string& kind,
                         const std::string& name, const std::string& name_space = "team");
  // Waits for it, for a long time at most.
  bool eventually(const std::function<bool()>& condition) { return api_.eventually(condition); }
  // "True: reason" of a condition, "" when it is absent.
  [[nodiscard]] static std::string condition(const Json& object, const std::string& type);
  // Waits until that condition is True, and says what it is instead otherwise.
  [[nodiscard]] std::string when_true(const std::string& api_version, const std::string& kind,
                                      const std::string& name, const std::string& type);

  // The newest version of anything in the store.
  [[nodiscard]] std::string version();
  // Ends the controllers and starts new ones, which see everything for the first time; returns when
  // they have nothing to do.
  void restart_controllers();
  // Restarts them until nothing is written any more; false when that never happens.
  bool settle();

  // Controllers::look_at_load().
  void look_at_load(const kube::ObjectKey& service);

  [[nodiscard]] kube::testing::ApiFixture& api() { return api_; }

 private:
  void start();
  void stop();

  const ClusterOptions options_;
  kube::testing::ApiFixture api_;
  async::Loop& loop_;
  std::shared_ptr<kube::LocalTransport> local_;  // null over HTTPS
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<Controllers> controllers_;
};

// Pods run and are ready as soon as somebody made them; an image of the name "broken" never is, one
// of the name "done" succeeds at once.
[[nodiscard]] std::unique_ptr<ControllerUnit> ready_pods(Workshop& workshop);
// Gateways are programmed; routes and pools are accepted by them.
[[nodiscard]] std::unique_ptr<ControllerUnit> accepting_gateway(Workshop& workshop,
                                                                const std::string& kind);

}  // namespace nacelle::control::testing
