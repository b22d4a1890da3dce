// container_shim.h: the small process between the node agent and a container.
//
//   agent ──fork──► shim (own session) ──fork──► container
//                    │ reads its output, writes the log, waits for its end, writes exit.json
//
// It exists so that a container outlives the agent: whoever reads the pipes and may ask the kernel
// for the exit status must not be the process that is upgraded or killed. The agent that comes next
// finds run.json, watches the shim by pidfd and reads exit.json. The container dies with its shim,
// and what the container leaves behind dies with the container.
//
// Home:    a process of its own, one thread: `<program> container-shim FOLDER`.
// Errors:  a container that cannot be started is told on standard output, as its start is:
//            started <pid> <start time>
//            failed <why>
// Bounds:  64 KiB of output per turn; the log rotates (log_writer.h).
#pragma once

#include <filesystem>
#include <string_view>

namespace nacelle::control::node {

inline constexpr std::string_view kShimCommand = "container-shim";
inline constexpr const char* kPlanFile = "plan.json";
inline constexpr const char* kRunFile = "run.json";
inline constexpr const char* kExitFile = "exit.json";

// The whole life of the shim: returns its exit code. `folder` holds plan.json.
[[nodiscard]] int run_container_shim(const std::filesystem::path& folder);

}  // namespace nacelle::control::node
