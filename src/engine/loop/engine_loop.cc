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
                                                  kernels::WorkerPool* pool) {
  try {
    return std::unique_ptr<Engine>(
        std::make_unique<EngineLoop>(config, std::move(hasher), std::move(model), pool));
  } catch (const std::system_error& error) {
    return unavailable("cannot start the engine's thread: {}", error.what());
  } catch (const std::exception&) {  // bad_alloc; length_error where a size has no meaning
    return resource_exhausted(
        "no memory for the engine's state ({} blocks, {} + {} rows of logits)", config.num_blocks,
        config.max_num_seqs, config.max_prompt_logprob_rows);
  }
}

EngineLoop::EngineLoop(const EngineConfig& config, BlockHasher hasher,
                       std::unique_ptr<model::CausalLm> model, kernels::WorkerPool* pool)
    : config_(config),
      vocab_size_(model->config().vocab_size),
      runner_(config, std::move(hasher), std::move(model), pool, clock_) {
  stats_ = runner_.stats();
  thread_ = std::thread([this, pool] {
    if (pool != nullptr) pool->bind_caller();
    run();
  });
}

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

std::shared_ptr<const Stats> EngineLoop::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
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
bool EngineLoop::take_messages() {
  std::unique_lock lock(mutex_);
  if (runner_.idle() && inbox_.empty()) {
    busy_ = false;
    idle_changed_.notify_all();
    wake_loop_.wait(lock, [this] { return !inbox_.empty() || phase_ == Phase::kStopping; });
  }
  taken_.swap(inbox_);
  return phase_ != Phase::kStopping;
}

void EngineLoop::handle_messages() {
  while (!taken_.empty()) {
    Message message = std::move(taken_.front());
    taken_.pop_front();
    std::visit([this](auto& kind) { handle(kind); }, message);
  }
}

void EngineLoop::handle(Submission& submission) {
  runner_.add(submission.id, std::move(submission.request), std::move(submission.place),
              std::move(submission.sink), submission.queued);
}

void EngineLoop::handle(Abort& abort) { runner_.abort(abort.id, abort.reason); }

void EngineLoop::handle(ResetPrefixCache& reset) {
  reset.done.set_value(runner_.reset_prefix_cache());
}

void EngineLoop::publish_stats() {
  std::shared_ptr<const Stats> stats = runner_.stats();
  const std::lock_guard lock(mutex_);
  stats_.swap(stats);  // the old snapshot is freed after the lock
}

void EngineLoop::run() {
  try {
    serve();
  } catch (const std::exception& error) {
    die(error.what());
  }
}

void EngineLoop::serve() {
  while (take_messages()) {
    handle_messages();
    if (!runner_.idle()) runner_.step();
    publish_stats();
  }
  handle_messages();
  {
    // From here on nobody posts; what came since take_messages() is answered with the rest.
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kStopped;
    busy_ = false;
    taken_.swap(inbox_);
  }
  handle_messages();
  runner_.abort_all(FinishReason::kAbort);
  publish_stats();
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
  try {
    handle_messages();
    runner_.abort_all(FinishReason::kError, internal("the engine has failed: {}", why));
    publish_stats();
  } catch (const std::exception&) {
    // healthy() already says so; sinks that could not be told go away with the engine.
  }
}

}  // namespace nacelle::engine
