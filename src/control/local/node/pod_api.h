// pod_api.h: what the node agent needs of the cluster, so that it knows no API client.
//
// The adapter of an API server implements both; tests implement them with maps.
//
// Home:    the agent's loop.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "control/core/pod/pod_facts.h"
#include "control/core/pod/pod_state.h"

namespace nacelle::control::node {

struct PodKey {
  std::string name_space;
  std::string name;
  std::string uid;
  friend auto operator<=>(const PodKey&, const PodKey&) = default;
  [[nodiscard]] std::string to_string() const { return name_space + "/" + name; }
};

// Out: the agent's words. The agent keeps the adapter alive for as long as it runs.
class PodApi {
 public:
  virtual ~PodApi() = default;

  // Replaces the pod's status (status subresource). not_found: the object is gone, which is no
  // error to repeat for. Others are tried again with the newest status.
  [[nodiscard]] virtual async::Task<Status> write_status(PodKey pod, pod::Json status) = 0;

  // Deletes the object at once (grace 0, precondition uid). not_found counts as done; others are
  // tried again.
  [[nodiscard]] virtual async::Task<Status> remove(PodKey pod) = 0;

  // An Event about the pod. Must not wait; the adapter aggregates and may drop.
  virtual void record(const PodKey& pod, const pod::PodEvent& event) = 0;
};

// In: objects that pods refer to, from caches. Never waits.
class NodeInputs : public pod::ConfigSource {
 public:
  // The folder behind a claim. failed_precondition with the reason while it is not bound;
  // unimplemented for classes that are no local folders.
  [[nodiscard]] virtual Result<std::filesystem::path> claim_folder(
      std::string_view name_space, std::string_view claim) const = 0;

  // A token of the pod's service account. unimplemented where there are none: the volume then
  // waits.
  [[nodiscard]] virtual Result<std::string> service_token(const pod::PodSpec& spec,
                                                          const pod::TokenVolume& volume) const = 0;

  // The file with the names of Services as a namespace sees them, which containers find as
  // /etc/hosts where mounts are permitted. It is written in place when names change. "": none.
  [[nodiscard]] virtual std::filesystem::path hosts_file(std::string_view /*name_space*/) const {
    return {};
  }
};

}  // namespace nacelle::control::node
