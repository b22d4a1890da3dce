// load_runner.h: runs the stages of a load test: closed loop (so many at a time) or open loop (so
// many per second, whether or not the server keeps up).
//
// Home:    one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/task_scope.h"
#include "cli/bench/load_client.h"
#include "cli/bench/measurement.h"

namespace nacelle::cli {

enum class Arrival { kConstant, kPoisson };

struct Stage {
  std::uint32_t concurrency = 0;  // closed loop when > 0
  double rate = 0;                // requests per second, open loop
  Arrival arrival = Arrival::kPoisson;
  std::uint32_t requests = 0;  // of the stage; 0 = by duration
  double duration_s = 0;       // open loop: for so long

  [[nodiscard]] std::string name() const;
};

// When each request of an open-loop stage is sent, in seconds from its start.
[[nodiscard]] std::vector<double> arrival_times(const Stage& stage, std::uint64_t seed);

class LoadRunner {
 public:
  // `prompts` are used in order and again from the start; called with done and planned requests.
  using Progress = std::function<void(std::size_t done, std::size_t total)>;
  LoadRunner(async::Loop& loop, LoadTarget target, std::vector<std::string> prompts,
             Progress progress);

  [[nodiscard]] async::Task<std::vector<Measurement>> run(Stage stage, std::uint64_t seed);

 private:
  async::Task<void> worker(std::size_t total);
  async::Task<void> one(std::string prompt, double planned_s);
  [[nodiscard]] std::string next_prompt();
  void record(Measurement measurement, std::size_t total);

  async::Loop& loop_;
  LoadClient client_;
  std::vector<std::string> prompts_;
  std::size_t next_prompt_ = 0;
  Progress progress_;

  // Of the running stage.
  TimePoint start_{};
  std::size_t started_ = 0, total_ = 0;
  std::vector<Measurement> measurements_;
};

}  // namespace nacelle::cli
