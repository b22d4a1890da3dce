// controllers.h: the controllers of one process, on one loop, at one API.
//
//   ASSIGN_OR_RETURN(auto controllers, Controllers::create(client, {}));
//   controllers->start();
//   ...
//   co_await controllers->stop();     // before the client goes
//
// They talk to the API by `client` alone: the one of `nacelle up` in this process (kube/
// local_transport.h) or any API server over HTTPS. What they know between two decisions is in the
// API, so a process that dies leaves nothing half done that the next one does not finish.
//
// Home:    the client's loop: create(), start(), stop() and settled() on it.
// Errors:  create(): invalid_argument naming a controller that there is none of.
// Bounds:  one list and watch per kind; one key at a time per controller.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/task_scope.h"
#include "base/result.h"
#include "control/kube/controller_unit.h"
#include "control/kube/kserve_controller.h"
#include "control/kube/llmd_controller.h"

namespace nacelle::control {

// What a Kubernetes has by itself and this API server has not: leave them out where there is one.
[[nodiscard]] std::vector<std::string> builtin_controllers();
// Those of the kinds that are ours.
[[nodiscard]] std::vector<std::string> serving_controllers();
[[nodiscard]] std::vector<std::string> all_controllers();

struct ControllersOptions {
  std::vector<std::string> which = all_controllers();
  std::string manager = "nacelle";  // field manager of applies and source of events
  KserveOptions kserve;
  LlmdOptions llmd;
  std::filesystem::path volumes_folder;  // absolute; of local-path volumes; "" makes none
  std::function<std::int64_t()> now_us;  // since 1970; null: the machine's clock
  // Addresses of services are published once they have answered. Off where this process cannot
  // reach the gateways.
  bool probe_addresses = true;
  AddressProber::Ask ask;                             // null: over HTTP
  kube::InformerMetrics* informer_metrics = nullptr;  // may be null; outlive the controllers
  kube::ControllerMetrics* controller_metrics = nullptr;
};

class Controllers {
 public:
  // `client` outlives them.
  [[nodiscard]] static Result<std::unique_ptr<Controllers>> create(kube::Client& client,
                                                                   ControllersOptions options);
  Controllers(const Controllers&) = delete;
  Controllers& operator=(const Controllers&) = delete;

  void start();
  [[nodiscard]] async::Task<void> stop();

  // Every collection was read, and no controller has anything to do now.
  [[nodiscard]] bool settled() const;
  // The load of a service of inference.llm-d.ai has changed so much that it should not wait for its
  // next evaluation: somebody asks for one that has no replica.
  void look_at_load(const kube::ObjectKey& service);
  // For more units that live beside these, before start().
  [[nodiscard]] Workshop& workshop() { return workshop_; }
  void add(std::unique_ptr<ControllerUnit> unit) { units_.push_back(std::move(unit)); }

 private:
  Controllers(kube::Client& client, ControllersOptions options);
  [[nodiscard]] async::Task<void> begin();

  ControllersOptions options_;
  SharedInformers informers_;
  node::EventRecorder events_;
  ActionExecutor executor_;
  AddressProber prober_;
  Workshop workshop_;
  std::vector<std::unique_ptr<ControllerUnit>> units_;
  ControllerUnit* services_ = nullptr;  // of inference.llm-d.ai; one of the units
  async::StopScope scope_;
  bool running_ = false;
};

}  // namespace nacelle::control
