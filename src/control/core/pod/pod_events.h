// pod_events.h: what happened to a pod, entered into its state.
//
// Every function may be called in any order and more than once: what no longer applies (a result of
// an earlier run, a second exit) changes nothing and returns false.
//
// Home:    pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/core/pod/pod_state.h"

namespace nacelle::control::pod {

// Address and volumes are there; or not, and why: it is tried again.
void setup_done(PodState& state);
void setup_failed(PodState& state, std::string_view why, Instant now);

bool container_started(const PodSpec& spec, PodState& state, std::size_t index,
                       std::uint32_t attempt, std::string id, Instant now);
// `reason` is a waiting reason: CreateContainerConfigError, ErrImagePull, RunContainerError, ...
bool container_start_failed(const PodSpec& spec, PodState& state, std::size_t index,
                            std::uint32_t attempt, std::string_view reason,
                            std::string_view message, Instant now);

struct Exit {
  int code = 0;
  int signal = 0;
  bool out_of_memory = false;
  std::optional<std::string> message;  // what the container wrote as its termination message
  std::string last_lines;              // of its log
  std::string lost;                    // not empty: nobody saw the end, and why
};
bool container_exited(const PodSpec& spec, PodState& state, std::size_t index,
                      std::uint32_t attempt, const Exit& exit, Instant now);

struct ProbeOutcome {
  bool ok = false;
  std::string message;
};
bool probe_done(const PodSpec& spec, PodState& state, std::size_t index, ProbeKind kind,
                std::uint32_t attempt, const ProbeOutcome& outcome, Instant now);

bool post_start_done(const PodSpec& spec, PodState& state, std::size_t index, std::uint32_t attempt,
                     const Status& result, Instant now);
bool pre_stop_done(const PodSpec& spec, PodState& state, std::size_t index, std::uint32_t attempt,
                   const Status& result);

// The API's object has a deletionTimestamp, or is gone (grace zero). A later, longer grace changes
// nothing; a shorter one counts from now.
void deletion_requested(const PodSpec& spec, PodState& state, Duration grace, Instant now);

// The pod ends for good: refused by the node, evicted, node shut down.
void fail_pod(PodState& state, std::string_view reason, std::string_view message, Duration grace,
              Instant now);

void release_done(PodState& state);
void remove_done(PodState& state);

// An agent that starts again: what was under way in the old one is not any more. Containers in
// kStarting are reported by the shell with container_started() or container_start_failed().
void recovered(PodState& state, Instant now);

}  // namespace nacelle::control::pod
