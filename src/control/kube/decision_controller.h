// decision_controller.h: a controller whose decisions are pure functions: it gathers what they
// need, carries out what they say, and asks again when something moved.
//
//   auto unit = std::make_unique<DecisionController>(workshop, "replica-sets", decide);
//   unit->watch("apps/v1", "ReplicaSet", DecisionController::own_key);
//   unit->watch("v1", "Pod", [](const Json& pod) { return keys_of_owner(pod, "ReplicaSet"); });
//
// A conflict means that the decision was made from an older state: it is made again. What
// the API refuses is handed to the next decision, whose status tells it, and is tried again with
// growing waits.
//
// Home:    the client's loop; `decide` is called there and does not wait.
// Bounds:  one entry of the queue per key; one worker.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "control/kube/controller_unit.h"
#include "kube/controller.h"

namespace nacelle::control {

// Which changes of an object that stays matter (null: all), and how long they are gathered.
struct Notice {
  std::function<bool(const Json& before, const Json& now)> when;
  Duration delay{};
  Duration change_delay{};  // the same, but objects that come and go are told at once
};

class DecisionController : public ControllerUnit {
 public:
  // `refused` is empty, or what the API refused of the decision before.
  using Decide =
      std::function<Decision(const kube::ObjectKey& key, const std::vector<Refusal>& refused)>;
  using Keys = std::function<std::vector<kube::ObjectKey>(const Json& object)>;

  DecisionController(Workshop& workshop, std::string name, Decide decide);

  // A change of such an object, as it was and as it is, leads to these keys.
  void watch(std::string_view api_version, std::string_view kind, Keys keys, Notice notice = {});
  void add(const kube::ObjectKey& key) { controller_.add(key); }

  void look_at(const kube::ObjectKey& key) override { add(key); }
  void start() override { controller_.start(); }
  [[nodiscard]] async::Task<void> stop() override;
  [[nodiscard]] bool idle() const override { return controller_.idle(); }

  [[nodiscard]] static std::vector<kube::ObjectKey> own_key(const Json& object);
  // The controlling owner, when it is of that kind.
  [[nodiscard]] static std::vector<kube::ObjectKey> owner_key(const Json& object,
                                                              std::string_view kind);

 private:
  [[nodiscard]] async::Task<Result<kube::Reconciled>> reconcile(kube::ObjectKey key);

  Workshop& workshop_;
  const Decide decide_;
  kube::Controller controller_;
};

}  // namespace nacelle::control
