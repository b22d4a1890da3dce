// pod_writer.h: what a node agent says of its pods, written to the API.
//
// A status replaces what the API has, but for conditions of others (DisruptionTarget, readiness
// gates), which stay. A write that would change nothing is not sent.
//
// Home:    the client's loop, as the agent.
// Errors:  those of PodApi. A write that meets another one is tried again with what it made.
#pragma once

#include "control/kube/node/event_recorder.h"
#include "control/local/node/pod_api.h"
#include "kube/client.h"

namespace nacelle::control::node {

// Pure: the object's status with the agent's in it.
[[nodiscard]] kube::Json merged_status(const kube::Json& object, const kube::Json& status);

class PodWriter final : public PodApi {
 public:
  PodWriter(kube::Client& client, EventRecorder& events) : client_(client), events_(events) {}

  [[nodiscard]] async::Task<Status> write_status(PodKey pod, pod::Json status) override;
  [[nodiscard]] async::Task<Status> remove(PodKey pod) override;
  void record(const PodKey& pod, const pod::PodEvent& event) override;

 private:
  kube::Client& client_;
  EventRecorder& events_;
};

}  // namespace nacelle::control::node
