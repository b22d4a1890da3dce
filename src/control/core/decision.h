// decision.h: what a controller wants done, as values.
//
// A shell carries the actions out in order and calls again when something changed or after
// `look_again_in`. Each action is safe to repeat, and a shell may stop after any of them: the next
// decision starts from what is there.
//
// Home:    pure; values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/core/address_ask.h"
#include "kube/object.h"

namespace nacelle::control {

using kube::Json;

// Names one object of the API.
struct Target {
  std::string api_version, kind, name_space, name;
  friend bool operator==(const Target&, const Target&) = default;
};
[[nodiscard]] inline Target target_of(const Json& object) {
  const kube::ObjectKey key = kube::key_of(object);
  return {std::string(kube::text_at(object, {"apiVersion"})),
          std::string(kube::text_at(object, {"kind"})), key.name_space, key.name};
}

struct Create {
  Json object;  // AlreadyExists counts as done: the next decision looks at what is there
  friend bool operator==(const Create&, const Create&) = default;
};
// Server-side apply with force by the controller's name.
struct Apply {
  Json object;
  friend bool operator==(const Apply&, const Apply&) = default;
};
// A whole object with the resourceVersion it was decided from; a conflict means decide again.
struct Update {
  Json object;
  friend bool operator==(const Update&, const Update&) = default;
};
struct UpdateStatus {
  Json object;
  friend bool operator==(const UpdateStatus&, const UpdateStatus&) = default;
};
enum class Propagation { kBackground, kForeground, kOrphan };
// NotFound counts as done.
struct Delete {
  Target target;
  std::string uid;  // precondition
  Propagation propagation = Propagation::kBackground;
  friend bool operator==(const Delete&, const Delete&) = default;
};
struct RecordEvent {
  Target about;
  std::string type;  // "Normal", "Warning"
  std::string reason, message;
  friend bool operator==(const RecordEvent&, const RecordEvent&) = default;
};

using Action = std::variant<Create, Apply, Update, UpdateStatus, Delete, RecordEvent>;

struct Decision {
  std::vector<Action> actions;
  std::optional<std::chrono::seconds> look_again_in;
  // Answers that the decision waits for; what is not named any more is not asked any more.
  std::vector<AddressAsk> asks;

  void look_again(std::chrono::seconds in) {
    if (!look_again_in || in < *look_again_in) look_again_in = in;
  }
};

}  // namespace nacelle::control
