// usage_meter.h: the CPU and memory of containers, from samples of the process table.
//
// CPU is a rate over the time between the last two samples. A container that began since the last
// sample is measured from its start; one that was running already when it was seen first (by an
// agent that took it over) has no rate before its second sample.
//
// Home:    a value of the nodes' loop.
// Bounds:  two samples per container that runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/clock.h"
#include "control/local/node/process_table.h"

namespace nacelle::control::node {

struct RunningContainer {
  std::string pod_uid;
  std::string name;
  std::uint32_t attempt = 0;
  pid_t shim = 0;  // the root of its processes

  // Names a run: a container that was restarted is measured anew.
  [[nodiscard]] std::string key() const { return fmt::format("{}/{}/{}", pod_uid, name, attempt); }
};

struct ContainerUsage {
  std::int64_t cpu_nanocores = 0;  // billionths of a core
  std::int64_t memory_bytes = 0;
  pod::WallTime at{};  // end of the window
  Duration window{};
};

class UsageMeter {
 public:
  // The first reading of a container that is not older counts from its start.
  static constexpr Duration kNewborn = 60s;

  // What does not run any more is forgotten.
  void sample(std::span<const RunningContainer> running, const ProcessTable& table);
  // nullopt: not measured yet.
  [[nodiscard]] std::optional<ContainerUsage> of(const RunningContainer& container) const;

 private:
  struct Measured {
    std::int64_t at_ns = 0;  // since boot
    std::int64_t cpu_ns = 0;
    std::optional<ContainerUsage> usage;
  };
  std::map<std::string, Measured> measured_;  // by key of the run
};

}  // namespace nacelle::control::node
