// controller_unit.h: what Controllers starts and stops, and what each unit is made of.
//
// Home:    the client's loop.
#pragma once

#include <cstdint>
#include <functional>

#include "async/task.h"
#include "control/kube/action_executor.h"
#include "control/kube/address_prober.h"
#include "control/kube/shared_informers.h"
#include "kube/client.h"
#include "kube/controller_metrics.h"

namespace nacelle::control {

// Shared by the units of one process; outlives them.
struct Workshop {
  kube::Client& client;
  SharedInformers& informers;
  ActionExecutor& executor;
  kube::ControllerMetrics* metrics = nullptr;  // may be null
  std::function<std::int64_t()> now_s;         // seconds since 1970
  AddressProber* prober = nullptr;             // null: addresses are published unasked
};

class ControllerUnit {
 public:
  virtual ~ControllerUnit() = default;
  // After all informers were read once.
  virtual void start() = 0;
  // Informers have stopped already. Await before destruction.
  [[nodiscard]] virtual async::Task<void> stop() = 0;
  // Something that no object tells of has changed for this one.
  virtual void look_at(const kube::ObjectKey&) {}
  // Nothing is ready to be worked on, and nothing runs.
  [[nodiscard]] virtual bool idle() const = 0;
};

}  // namespace nacelle::control
