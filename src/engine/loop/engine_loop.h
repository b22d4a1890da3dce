// engine_loop.h: the thread of an engine and the inbox in front of it.
//
// Callers leave messages under a small lock. While the kernel thread runs a step, the loop delivers
// the outputs of the step before, publishes statistics, handles messages and plans the next step;
// between two steps it only appends tokens and launches. With nothing to do it sleeps.
//
// Home:    thread-safe. Only the loop thread touches the StepRunner, but for run_step().
// Bounds:  the inbox holds what admit() let in; aborts are a few words each.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

#include "engine/engine.h"
#include "engine/events/event_publisher.h"
#include "engine/loop/kernel_thread.h"
#include "engine/loop/stats_board.h"
#include "engine/loop/step_runner.h"

namespace nacelle::engine {

class EngineLoop final : public Engine {
 public:
  // `model` has its KV memory. unavailable when the system gives no thread.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> start(
      const EngineConfig& config, BlockHasher hasher, std::unique_ptr<model::CausalLm> model,
      kernels::WorkerPool* pool, std::unique_ptr<EventPublisher> events = nullptr);
  // Use start(); the constructor starts the thread and may throw std::system_error.
  EngineLoop(const EngineConfig& config, BlockHasher hasher, std::unique_ptr<model::CausalLm> model,
             kernels::WorkerPool* pool, std::unique_ptr<EventPublisher> events);
  ~EngineLoop() override;

  [[nodiscard]] const EngineConfig& config() const override { return config_; }
  [[nodiscard]] Result<Admission> admit(std::uint32_t count) override;
  [[nodiscard]] Result<SequenceId> submit(Request request, Admission place,
                                          std::shared_ptr<OutputSink> sink) override;
  void abort(SequenceId sequence, FinishReason reason) override;
  [[nodiscard]] std::shared_ptr<const Stats> stats() const override;
  [[nodiscard]] KvEventStats kv_event_stats() const override;
  [[nodiscard]] bool healthy() const override;
  [[nodiscard]] bool reset_prefix_cache() override;
  void stop(std::chrono::milliseconds drain_timeout) override;

 private:
  enum class Phase { kServing, kDraining, kStopping, kStopped, kDead };

  struct Submission {
    SequenceId id;
    Request request;
    Admission place;
    std::shared_ptr<OutputSink> sink;
    TimePoint queued;
  };
  struct Abort {
    SequenceId id;
    FinishReason reason;
  };
  struct ResetPrefixCache {
    std::promise<bool> done;
  };
  using Message = std::variant<Submission, Abort, ResetPrefixCache>;

  bool post(Message message);
  void run();
  void serve();
  void die(const std::string& why);
  bool wait_for_work();
  void launch_step();
  void end_step();
  void wait_for_step();
  void publish_events();
  void publish_idle_events();
  void handle_messages();
  void handle(Submission& submission);
  void handle(Abort& abort);
  void handle(ResetPrefixCache& reset);

  EngineConfig config_;
  std::uint32_t vocab_size_;
  SteadyClock clock_;
  std::atomic<std::int64_t> places_taken_{0};
  std::atomic<bool> accepting_{true};  // what admit() sees of phase_, without the lock

  mutable std::mutex mutex_;  // guards what follows, for a few instructions at a time
  std::condition_variable wake_loop_, idle_changed_;
  Phase phase_ = Phase::kServing;
  bool busy_ = false;  // there are messages or sequences
  std::deque<Message> inbox_;
  std::uint64_t next_id_ = 1;
  bool step_done_ = false;  // the launched step

  std::mutex stop_mutex_;  // one stop() at a time
  // Loop thread only, once it runs.
  StepRunner runner_;
  StatsBoard stats_;
  std::deque<Message> taken_;               // from the inbox, not handled yet
  std::unique_ptr<EventPublisher> events_;  // nullptr: nobody asked
  CacheEventLog step_events_;               // of the launched step and before, not handed over yet
  bool in_flight_ = false;                  // a step was launched and its tokens were not taken yet
  KernelThread kernels_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace nacelle::engine
