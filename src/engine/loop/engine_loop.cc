#include "engine/loop/engine_loop.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <system_error>
#include <utility>

#include "engine/request_check.h"
#include "kernels/worker_pool.h"

namespace nacelle::engine {

Result<std::unique_ptr<Engine>> EngineLoop::start(const EngineConfig& config, BlockHasher hasher,
                                                  std::unique_ptr<model::CausalLm> model,
                                                  kernels::WorkerPool* pool,
                                                  std::unique_ptr<EventPublisher> events) {
  try {
    return std::unique_ptr<Engine>(std::make_unique<EngineLoop>(
        config, std::move(hasher), std::move(model), pool, std::move(events)));
  } catch (const std::system_error& error) {
    return unavailable("cannot start the engine's thread: {}", error.what());
  } catch (const std::exception&) {  // bad_alloc; length_error where a size has no meaning
    return resource_exhausted(
        "no memory for the engine's state ({} blocks, {} + {} rows of logits)", config.num_blocks,
        config.max_num_seqs, config.max_prompt_logprob_rows);
  }
}

EngineLoop::EngineLoop(const EngineConfig& config, BlockHasher hasher,
                       std::unique_ptr<model::CausalLm> model, kernels::WorkerPool* pool,
                       std::unique_ptr<EventPublisher> events)
    : config_(config),
      vocab_size_(model->config().vocab_size),
      runner_(config, std::move(hasher), std::move(model), pool, clock_),
      stats_(runner_.read_stats()),
      events_(std::move(events)),
      kernels_(
          [pool] {
            if (pool != nullptr) pool->bind_caller();
          },
          [this] { runner_.run_step(); },
          [this] {
            const std::lock_guard lock(mutex_);
            step_done_ = true;
            wake_loop_.notify_one();
          }),
      thread_([this] { run(); }) {}

EngineLoop::~EngineLoop() { stop(std::chrono::milliseconds(0)); }

Result<Engine::Admission> EngineLoop::admit(std::uint32_t count) {
  if (!accepting_) return unavailable("the engine does not accept requests any more");
  const std::int64_t bound = config_.max_queued_requests;
  std::int64_t taken = places_taken_.load();
  do {
    if (bound > 0 && taken + count > bound) {
      return resource_exhausted("{} sequences are queued, {} more exceed the bound of {}", taken,
                                count, bound);
    }
  } while (!places_taken_.compare_exchange_weak(taken, taken + count));
  return Admission(&places_taken_, count);
}

Result<SequenceId> EngineLoop::submit(Request request, Admission place,
                                      std::shared_ptr<OutputSink> sink) {
  if (sink == nullptr) return invalid_argument("a sequence needs a sink");
  if (place.count() < 1) return failed_precondition("a sequence needs an admitted place");
  RETURN_IF_ERROR(check_request(request, config_, vocab_size_));

  const TimePoint now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kDead) return unavailable("the engine has failed");
  if (phase_ != Phase::kServing) return unavailable("the engine is shutting down");
  const SequenceId id{next_id_++};  // ids and the inbox have the same order
  inbox_.emplace_back(Submission{id, std::move(request), place.take_one(), std::move(sink), now});
  busy_ = true;
  wake_loop_.notify_one();
  return id;
}

// False when there is no loop to read it.
bool EngineLoop::post(Message message) {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kStopped || phase_ == Phase::kDead) return false;
  inbox_.push_back(std::move(message));
  busy_ = true;
  wake_loop_.notify_one();
  return true;
}

void EngineLoop::abort(SequenceId sequence, FinishReason reason) {
  (void)post(Abort{sequence, reason});
}

bool EngineLoop::reset_prefix_cache() {
  ResetPrefixCache reset;
  std::future<bool> done = reset.done.get_future();
  return post(std::move(reset)) && done.get();
}

std::shared_ptr<const Stats> EngineLoop::stats() const { return stats_.snapshot(); }

KvEventStats EngineLoop::kv_event_stats() const {
  return events_ == nullptr ? KvEventStats() : events_->stats();
}

bool EngineLoop::healthy() const {
  const std::lock_guard lock(mutex_);
  return phase_ != Phase::kDead;
}

void EngineLoop::stop(std::chrono::milliseconds drain_timeout) {
  const std::lock_guard one_at_a_time(stop_mutex_);
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    accepting_ = false;
    if (phase_ == Phase::kServing) phase_ = Phase::kDraining;
    idle_changed_.wait_for(lock, drain_timeout, [this] { return !busy_; });
    if (phase_ == Phase::kDraining) phase_ = Phase::kStopping;
    wake_loop_.notify_one();
  }
  thread_.join();
}

// Moves the inbox to taken_; sleeps while there is nothing to do. False when the loop should end.
bool EngineLoop::wait_for_work() {
  std::unique_lock lock(mutex_);
  if (!in_flight_ && runner_.idle() && inbox_.empty()) {
    busy_ = false;
    idle_changed_.notify_all();
  }
  wake_loop_.wait(lock, [this] {
    const bool can_step = in_flight_ ? step_done_ : !runner_.idle();
    return can_step || !inbox_.empty() || phase_ == Phase::kStopping;
  });
  taken_.swap(inbox_);
  return phase_ != Phase::kStopping;
}

void EngineLoop::launch_step() {
  {
    const std::lock_guard lock(mutex_);
    step_done_ = false;
  }
  in_flight_ = true;
  kernels_.launch();
  // What is recorded from here on belongs to the step that is planned next.
  if (events_ != nullptr && step_events_.empty()) runner_.swap_cache_events(step_events_);
}

// Hands over the events of steps that are done. While the publisher lags they stay, and later ones
// add up in the recording log.
void EngineLoop::publish_events() {
  if (events_ == nullptr || in_flight_) return;
  events_->hand_over(step_events_);
}

// Takes the tokens of the launched step when it is done.
void EngineLoop::end_step() {
  if (!in_flight_) return;
  {
    const std::lock_guard lock(mutex_);
    if (!step_done_) return;
  }
  in_flight_ = false;
  if (std::exception_ptr error = kernels_.take_error()) std::rethrow_exception(error);
  runner_.finish_step();
  publish_events();
}

void EngineLoop::wait_for_step() {
  if (!in_flight_) return;
  std::unique_lock lock(mutex_);
  wake_loop_.wait(lock, [this] { return step_done_; });
}

// With no step in flight everything recorded is true already.
void EngineLoop::publish_idle_events() {
  if (events_ == nullptr) return;
  publish_events();
  if (step_events_.empty()) runner_.swap_cache_events(step_events_);
  publish_events();
}

void EngineLoop::handle_messages() {
  while (!taken_.empty()) {
    Message message = std::move(taken_.front());
    taken_.pop_front();
    std::visit([this](auto& kind) { handle(kind); }, message);
  }
  runner_.extend_planned_step();
}

void EngineLoop::handle(Submission& submission) {
  runner_.add(submission.id, std::move(submission.request), std::move(submission.place),
              std::move(submission.sink), submission.queued);
}

void EngineLoop::handle(Abort& abort) { runner_.abort(abort.id, abort.reason); }

void EngineLoop::handle(ResetPrefixCache& reset) {
  // The sequences of a step hold blocks, though the plan for the next one may have taken them away.
  reset.done.set_value(!in_flight_ && runner_.reset_prefix_cache());
}

void EngineLoop::run() {
  try {
    serve();
  } catch (const std::exception& error) {
    die(error.what());
  }
}

void EngineLoop::serve() {
  while (wait_for_work()) {
    end_step();
    handle_messages();
    if (!in_flight_ && !runner_.idle() && runner_.start_step()) launch_step();
    if (!in_flight_) publish_idle_events();
    // From here on beside the kernels.
    stats_.publish(runner_.read_stats());
    runner_.deliver();
    if (in_flight_) runner_.plan_ahead();
  }
  wait_for_step();
  end_step();
  handle_messages();
  {
    // From here on nobody posts; what came since wait_for_work() is answered with the rest.
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kStopped;
    busy_ = false;
    taken_.swap(inbox_);
  }
  handle_messages();
  runner_.abort_all(FinishReason::kAbort);
  stats_.publish(runner_.read_stats());
}

// An exception reached the top of the loop: memory ran out, or there is a bug. Answer everyone.
void EngineLoop::die(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    phase_ = Phase::kDead;
    busy_ = false;
    std::ranges::move(inbox_, std::back_inserter(taken_));
    inbox_.clear();
    idle_changed_.notify_all();
  }
  wait_for_step();
  in_flight_ = false;
  try {
    handle_messages();
    runner_.abort_all(FinishReason::kError, internal("the engine has failed: {}", why));
    stats_.publish(runner_.read_stats());
  } catch (const std::exception&) {
    // healthy() already says so; sinks that could not be told go away with the engine.
  }
}

}  // namespace nacelle::engine
