#include "control/core/pod_cause.h"

#include <algorithm>

namespace nacelle::control {
namespace {

using kube::Json;
using kube::number_at;
using kube::text_at;

constexpr std::size_t kMostWords = 300;

std::string last_words(const Json& terminated) {
  std::string text(text_at(terminated, {"message"}));
  if (text.size() > kMostWords) text = "..." + text.substr(text.size() - kMostWords);
  return text.empty() ? "" : ": " + text;
}

std::string how_it_ended(const Json& terminated) {
  const std::string_view reason = text_at(terminated, {"reason"});
  if (reason == "OOMKilled") return "ran out of memory" + last_words(terminated);
  if (const auto signal = number_at(terminated, {"signal"}); signal && *signal != 0) {
    return "was ended by signal " + std::to_string(*signal) + last_words(terminated);
  }
  return "exited with code " + std::to_string(number_at(terminated, {"exitCode"}).value_or(0)) +
         last_words(terminated);
}

std::optional<Cause> cause_of_container(const std::string& pod, const Json& status, bool init) {
  const std::string who = "pod " + pod + ": " + (init ? "init container " : "container ") +
                          std::string(text_at(status, {"name"})) + " ";
  const Json* last = kube::find(status, {"lastState", "terminated"});
  if (const Json* waiting = kube::find(status, {"state", "waiting"}); waiting != nullptr) {
    const std::string reason(text_at(*waiting, {"reason"}));
    if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") {
      // Our node agent says here what a volume lacks.
      const std::string_view setup = text_at(*waiting, {"message"});
      if (setup.empty() || last != nullptr) return std::nullopt;
      return Cause{"FailedMount", who + "waits: " + std::string(setup), 3};
    }
    std::string message = who;
    if (last != nullptr) {
      message += how_it_ended(*last) + ", " +
                 std::to_string(number_at(status, {"restartCount"}).value_or(0)) + " restarts";
    } else {
      message += std::string(text_at(*waiting, {"message"}));
    }
    const bool memory = last != nullptr && text_at(*last, {"reason"}) == "OOMKilled";
    return Cause{memory ? "OOMKilled" : reason, std::move(message), memory ? 5 : 4};
  }
  if (const Json* ended = kube::find(status, {"state", "terminated"}); ended != nullptr) {
    if (number_at(*ended, {"exitCode"}).value_or(0) == 0) return std::nullopt;
    std::string reason(text_at(*ended, {"reason"}));
    if (reason.empty() || reason == "Error")
      reason = init ? "InitContainerFailed" : "ContainerFailed";
    return Cause{std::move(reason), who + how_it_ended(*ended), 4};
  }
  if (!kube::bool_at(status, {"ready"}) && last != nullptr) {
    return Cause{"ContainerRestarted", who + how_it_ended(*last) + " and runs again", 2};
  }
  return std::nullopt;
}

// Our node agent says there what the probes find, after the names in brackets that a kubelet says.
std::optional<Cause> cause_of_condition(const std::string& pod, const Json& condition) {
  if (text_at(condition, {"status"}) != "False") return std::nullopt;
  const std::string_view type = text_at(condition, {"type"});
  const std::string_view message = text_at(condition, {"message"});
  if (type == "PodScheduled") {
    return Cause{"Unschedulable", "pod " + pod + ": " + std::string(message), 3};
  }
  const std::size_t brackets = message.find("]; ");
  if (type != "ContainersReady" || brackets == std::string_view::npos) return std::nullopt;
  return Cause{"ContainersNotReady",
               "pod " + pod + ": container " + std::string(message.substr(brackets + 3)), 1};
}

}  // namespace

std::optional<Cause> cause_of(const Json& pod) {
  const std::string name = kube::key_of(pod).name;
  std::optional<Cause> worst;
  const auto take = [&](std::optional<Cause> cause) {
    if (cause && (!worst || cause->severity > worst->severity)) worst = std::move(cause);
  };
  for (const Json& condition : kube::list_at(pod, {"status", "conditions"})) {
    take(cause_of_condition(name, condition));
  }
  for (const Json& status : kube::list_at(pod, {"status", "initContainerStatuses"})) {
    take(cause_of_container(name, status, true));
  }
  for (const Json& status : kube::list_at(pod, {"status", "containerStatuses"})) {
    take(cause_of_container(name, status, false));
  }
  if (text_at(pod, {"status", "phase"}) == "Failed" && !worst) {
    std::string reason(text_at(pod, {"status", "reason"}));
    take(Cause{reason.empty() ? "PodFailed" : reason,
               "pod " + name + ": " + std::string(text_at(pod, {"status", "message"})), 3});
  }
  return worst;
}

std::optional<Cause> worst_cause(const std::vector<const Json*>& pods) {
  std::vector<const Json*> sorted = pods;
  std::sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) {
    return kube::key_of(*a).name < kube::key_of(*b).name;
  });
  std::optional<Cause> worst;
  for (const Json* pod : sorted) {
    auto cause = cause_of(*pod);
    if (cause && (!worst || cause->severity > worst->severity)) worst = std::move(cause);
  }
  return worst;
}

}  // namespace nacelle::control
