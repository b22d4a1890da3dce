// up.h: `nacelle up --without-api`, one machine's service: a data plane in this process, engines as
// supervised children.
//
// Home:    run() on loop 0 of the runtime.
// Errors:  bind() fails when a port is taken or the data folder cannot be made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/nacelle/data_plane.h"
#include "apps/nacelle/precise_policy.h"
#include "apps/nacelle/up_options.h"
#include "async/runtime.h"
#include "async/signals.h"
#include "control/local/supervisor.h"

namespace nacelle::apps {

class Up {
 public:
  // `program` is this binary, which the engines run too. The runtime must run.
  [[nodiscard]] static Result<std::unique_ptr<Up>> bind(async::Runtime& runtime, UpOptions options,
                                                        const std::string& program);

  // Starts the engines, answers once one of them does, and drains after the first signal.
  [[nodiscard]] async::Task<int> run(async::TerminationSignals* signals);

 private:
  Up(async::Runtime& runtime, UpOptions options)
      : runtime_(runtime), options_(std::move(options)) {}

  // Where the engines publish, for the policy `precise`; errors name what is in its way.
  Status plan_precise(const std::vector<std::string>& addresses);
  void add_engine(const std::string& program, std::uint32_t index, std::uint16_t port);
  // Shows loading until an engine answers; false when a signal came first.
  async::Task<bool> wait_until_serving(const bool* interrupted);
  [[nodiscard]] std::string progress_line() const;
  void print_address() const;
  async::Task<void> watch_signals(async::TerminationSignals* signals, bool* interrupted,
                                  async::Event* first);
  async::Task<void> stop();

  async::Runtime& runtime_;
  const UpOptions options_;
  std::optional<PrecisePolicy> precise_;  // of the policy `precise`
  std::unique_ptr<DataPlane> plane_;
  std::vector<std::unique_ptr<control::Supervisor>> engines_;
};

}  // namespace nacelle::apps
