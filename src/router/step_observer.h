// step_observer.h: sees the plugins of a pick run, one after the other.
//
// Home:    called under the router's lock: does not wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "router/plugin.h"

namespace nacelle::router {

enum class Step : std::uint8_t {
  kProduce,  // a producer fills its columns
  kScreen,
  kAdmit,
  kNextProfile,  // the handler names a profile
  kFilter,
  kScore,
  kPick,
  kFinishProfiles,  // the handler chooses the primary result
  kFinish,
  kCommit,  // a producer learns of the decision
};

// As the label extension_point says it.
[[nodiscard]] constexpr std::string_view to_string(Step step) {
  constexpr std::string_view kNames[] = {
      "DataProducer",    "Screener",  "Admission", "ProfilePicker",
      "Filter",          "Scorer",    "Picker",    "ProcessProfilesResults",
      "ResponseHeaders", "PreRequest"};
  return kNames[static_cast<std::size_t>(step)];
}

class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void began() = 0;
  virtual void ended(Step step, const Plugin& plugin) = 0;
};

// Tells an observer, which may be null, about one step. `kind` is the plugin as one of plugin.h.
class ObservedStep {
 public:
  template <class Kind>
  ObservedStep(StepObserver* observer, Step step, const Kind* kind) : step_(step) {
    if (observer == nullptr) return;
    plugin_ = dynamic_cast<const Plugin*>(kind);
    if (plugin_ == nullptr) return;
    observer_ = observer;
    observer_->began();
  }
  ~ObservedStep() {
    if (observer_ != nullptr) observer_->ended(step_, *plugin_);
  }
  ObservedStep(const ObservedStep&) = delete;
  ObservedStep& operator=(const ObservedStep&) = delete;

 private:
  StepObserver* observer_ = nullptr;
  Step step_;
  const Plugin* plugin_ = nullptr;
};

}  // namespace nacelle::router
