// model_unit.h: a controller whose decisions need the models of services: it waits for those that
// are being read, and decides again when one has changed.
//
// Home:    the client's loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/core/llmd/fit.h"
#include "control/kube/decision_controller.h"
#include "control/kube/local_models.h"

namespace nacelle::control {

class ModelUnit final : public ControllerUnit {
 public:
  static constexpr std::chrono::seconds kLookAgain{30};

  using Decide = std::function<Decision(ModelUnit& unit, const kube::ObjectKey& key,
                                        const std::vector<Refusal>& refused)>;

  ModelUnit(Workshop& workshop, const std::string& name, std::shared_ptr<LocalModels> models,
            Decide decide)
      : name_(name),
        models_(std::move(models)),
        controller_(workshop, name,
                    [this, decide = std::move(decide)](const kube::ObjectKey& key,
                                                       const std::vector<Refusal>& refused) {
                      return decide(*this, key, refused);
                    }) {}

  // Of a service that needs_model(). Nothing: decide nothing now, `key` comes again.
  [[nodiscard]] std::optional<llmd::ModelFacts> model_of(const Json& service,
                                                         const kube::ObjectKey& key) {
    return models_->of(service, name_ + "/" + key.to_string(),
                       [this, key] { controller_.add(key); });
  }
  // `object` is one whose condition says what follows from models: a folder that is not there yet,
  // or too large, may be another one soon.
  static void look_at_models_again(const Json& object, Decision& decision) {
    const kube::Conditions seen(kube::list_at(object, {"status", "conditions"}), "");
    if (seen.status(llmd::kVramValidated) != "True") decision.look_again(kLookAgain);
  }
  [[nodiscard]] static Decision wait_for_model() {
    Decision out;
    out.look_again(std::chrono::ceil<std::chrono::seconds>(LocalModels::kPatience));
    return out;
  }

  [[nodiscard]] DecisionController& controller() { return controller_; }

  void look_at(const kube::ObjectKey& key) override { controller_.add(key); }
  void start() override { controller_.start(); }
  [[nodiscard]] async::Task<void> stop() override {
    co_await models_->stop();
    co_await controller_.stop();
  }
  [[nodiscard]] bool idle() const override { return controller_.idle() && models_->idle(); }

 private:
  const std::string name_;
  const std::shared_ptr<LocalModels> models_;
  DecisionController controller_;
};

// The devices of all nodes.
[[nodiscard]] std::vector<llmd::NodeDevices> devices_of_nodes(SharedInformers& informers);
// For watches of nodes: heartbeats are none of our business.
[[nodiscard]] bool other_devices(const Json& before, const Json& now);

}  // namespace nacelle::control
