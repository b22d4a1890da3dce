// action_executor.h: carries out what a pure controller decided, at whatever API the client has.
//
// Actions go out in order. A conflict ends the decision: somebody wrote what it was made from, and
// the next one starts from what is there. A Create or Apply that the API refuses is reported and
// the others go on, but nothing is said of the object after that: the controller decides again
// with the refusal in hand, and its status tells it.
//
// Fields of an object that no controller reads, and which informers therefore do not keep
// (kube/object.h, trim()), stay as they are in the API.
//
// Home:    the client's loop.
// Errors:  the API was not reached, or has trouble of its own (5xx, 429): later again.
// Source:  kubernetes-api.md sections 11, 13, 14, 20.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "control/core/decision.h"
#include "control/kube/node/event_recorder.h"
#include "kube/client.h"

namespace nacelle::control {

// What an API said no to.
struct Refusal {
  Target target;
  std::string message;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct CarriedOut {
  bool conflict = false;         // decide again
  std::vector<Refusal> refused;  // Creates and Applies
  std::size_t writes = 0;        // calls that may have changed something, events aside
};

struct ExecutorOptions {
  std::string manager = "nacelle";  // field manager
  // Of objects that events are about; null: events are about names.
  std::function<std::string(const Target&)> uid_of;
};

class ActionExecutor {
 public:
  // Both outlive the executor.
  ActionExecutor(kube::Client& client, node::EventRecorder& events, ExecutorOptions options);

  [[nodiscard]] async::Task<Result<CarriedOut>> carry_out(std::vector<Action> actions);

 private:
  enum class Fate : std::uint8_t { kDone, kWasThere, kConflict, kRefused };
  struct Outcome {
    Fate fate = Fate::kDone;
    std::string message;
  };

  [[nodiscard]] async::Task<Result<Outcome>> create(const Json& object);
  [[nodiscard]] async::Task<Result<Outcome>> apply(const Json& object);
  // Of the object, or with "status" of that part of it.
  [[nodiscard]] async::Task<Result<Outcome>> update(const Json& object, bool status);
  [[nodiscard]] async::Task<Result<Outcome>> remove(const Delete& removal);
  void tell(const RecordEvent& event);
  [[nodiscard]] kube::WriteOptions write_options(bool force) const;
  [[nodiscard]] async::Task<Result<Outcome>> carry_out_one(const Action& action);

  kube::Client& client_;
  const ExecutorOptions options_;
  node::EventRecorder& events_;
};

}  // namespace nacelle::control
