// api_gateway.h: the data plane follows the objects of a Kubernetes API.
//
// Watches Gateway API objects, InferencePools, their pods, and what they refer to. A change that
// the data plane can see (not one of a status) makes a model of everything and puts it in force,
// at once after a quiet time and within a tenth of a second in a burst of changes (model_pace.h).
// Until every list was complete once, nothing is applied: half a configuration is no
// configuration. What became of Gateways, routes and pools is written into their status.
//
// Home:    the client's loop; synced() and applied() from any thread.
// Errors:  none leave: what a model leaves out is logged when it changes, and a pool whose picker
//          does not load keeps the one before; a model that the gateway refuses leaves the one
//          before in force, and is tried again. Ports of a model in force that cannot be bound are
//          tried again, at first soon and then ever more seldom.
// Bounds:  one watch per kind.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/nacelle/good_pickers.h"
#include "apps/nacelle/model_pace.h"
#include "async/event.h"
#include "async/task_scope.h"
#include "base/clock.h"
#include "gateway/config/api_model.h"
#include "gateway/config/api_status.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace nacelle::apps {

class ApiGateway {
 public:
  struct Options {
    gateway::Settings settings;
    Duration settle = 1ms;  // from a change to the model of it, at least
    Duration retry = 2s;    // after a refusal, and first of ports that are not served
    Duration slowest_retry = 30s;
    bool tell_statuses = true;
    std::vector<std::string> addresses = {"127.0.0.1"};  // of Gateways that name none
  };
  // Puts a model in force; runs on the client's loop.
  using Apply = std::function<Status(gateway::GatewayModel)>;
  // Of the model in force, what is not served; `kAgain` tries to bind it first. As Apply.
  enum class Try { kNot, kAgain };
  using Unserved = std::function<std::vector<gateway::UnservedPort>(Try)>;

  // `client` and `metrics` (may be null) outlive this.
  ApiGateway(kube::Client& client, Options options, Apply apply, Unserved unserved = {},
             kube::InformerMetrics* metrics = nullptr);
  ~ApiGateway();
  ApiGateway(const ApiGateway&) = delete;
  ApiGateway& operator=(const ApiGateway&) = delete;

  void start();                            // on the loop
  [[nodiscard]] async::Task<void> stop();  // await before destruction

  // Every list was complete once.
  [[nodiscard]] bool synced() const { return synced_; }
  // Models in force so far.
  [[nodiscard]] std::uint64_t applied() const { return applied_; }

 private:
  struct Kind;     // a kind of object that is watched
  struct Watched;  // a kind and its informer

  static const std::vector<Kind>& kinds();
  // Of the kinds of which `of` is true.
  [[nodiscard]] std::vector<gateway::ApiObject> objects(bool (Kind::*of)() const) const;
  void on_changes(Watched& watched, std::span<const kube::ObjectChange> changes);
  async::Task<void> run();
  [[nodiscard]] bool all_synced() const;
  async::Task<void> try_ports();
  void look_at_ports(Try how);
  [[nodiscard]] gateway::ApiModel make_model();
  async::Task<void> tell_statuses();
  [[nodiscard]] async::Task<bool> write_statuses();
  // False when it was refused.
  [[nodiscard]] bool apply_once();

  kube::Client& client_;
  const Options options_;
  const Apply apply_;
  const Unserved unserved_;  // may be empty
  async::StopScope scope_;
  ModelPace pace_;
  std::vector<std::unique_ptr<Watched>> watched_;
  async::Event changed_;
  async::Event tell_;     // some status may differ from what it should be
  async::Event unbound_;  // some port is not served
  gateway::ApiReader reader_;
  gateway::StatusTeller teller_;
  gateway::CompileReport report_;             // of the newest model
  Status in_force_;                           // how it fared
  std::vector<gateway::UnservedPort> ports_;  // that are not served
  Duration port_wait_;                        // until they are tried again
  GoodPickers pickers_;
  std::string bad_pickers_;  // told last, as the next one
  std::string left_out_;
  std::string untold_;  // the status that could not be written last
  std::atomic<bool> synced_{false};
  std::atomic<std::uint64_t> applied_{0};
};

}  // namespace nacelle::apps
