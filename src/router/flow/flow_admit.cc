// flow_admit.cc: the side of a FlowController that a request sees: admit() and its Admission.
#include <utility>

#include "base/check.h"
#include "router/flow/flow_controller.h"
#include "router/flow/flow_entry.h"

namespace nacelle::router::flow {

namespace {

// Runs `undo` when the scope is left, also by destruction of the coroutine's frame.
template <class F>
class OnExit {
 public:
  explicit OnExit(F undo) : undo_(std::move(undo)) {}
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  ~OnExit() { undo_(); }

 private:
  F undo_;
};

}  // namespace

void AdmitCancel::cancel() {
  cancelled_ = true;
  if (leave_) leave_();
}

Admission::Admission(FlowController& controller, std::shared_ptr<Entry> entry)
    : controller_(&controller), entry_(std::move(entry)) {}

Admission::Admission(Admission&& other) noexcept
    : controller_(std::exchange(other.controller_, nullptr)), entry_(std::move(other.entry_)) {}

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this == &other) return *this;
  release();
  controller_ = std::exchange(other.controller_, nullptr);
  entry_ = std::move(other.entry_);
  return *this;
}

void Admission::placed() {
  if (entry_ == nullptr) return;
  std::lock_guard lock(controller_->mutex_);
  controller_->in_flight_.placed(*entry_, controller_->clock_.now());
}

void Admission::used(std::uint64_t prompt_tokens, std::uint64_t completion_tokens) {
  if (entry_ == nullptr) return;
  entry_->prompt_tokens_used = prompt_tokens;
  entry_->completion_tokens_used = completion_tokens;
}

void Admission::release() {
  if (entry_ == nullptr) return;
  const std::shared_ptr<Entry> entry = std::move(entry_);
  entry_ = nullptr;
  entry->ended = true;
  entry->on_evicted = nullptr;
  controller_->ended(*entry);
}

async::Task<AdmitResult> FlowController::admit(FlowRequest request, AdmitCancel* cancel) {
  async::Loop* loop = async::Loop::current();
  CHECK(loop != nullptr);
  AdmitResult result;
  if (cancel != nullptr && cancel->cancelled_) {
    result.refusal = {Outcome::kEvictedCancelled, "the client left before its request was queued"};
    co_return result;
  }
  const auto entry = std::make_shared<Entry>(*loop);
  const TimePoint start = clock_.now();
  entry->bytes = request.bytes;
  entry->received = request.received == TimePoint() ? start : request.received;
  entry->slo_ttft = request.slo_ttft;
  entry->ttl = request.ttl;
  entry->priority = request.priority;
  entry->tokens = request.prompt_tokens != 0 ? request.prompt_tokens : request.bytes / 4;
  entry->evictable = config_.enable_eviction && request.on_evicted != nullptr;
  entry->on_evicted = std::move(request.on_evicted);
  entry->fairness_id = request.fairness_id;

  FlowSeries* series = nullptr;
  if (metrics_ != nullptr) {
    series = &metrics_->series(request.fairness_id, request.priority, request.model,
                               request.target_model);
  }
  Wakeups wakeups;
  bool decided = false;
  Duration enqueue_took{};
  {
    std::lock_guard lock(mutex_);
    submit(*entry, request, start);
    pump(start, wakeups);
    decided = entry->decided;
  }
  if (series != nullptr) enqueue_took = clock_.now() - start;
  if (decided) std::erase(wakeups, entry);
  deliver(wakeups);

  if (!decided) {
    if (series != nullptr) {
      series->queue_size.add(1);
      series->queue_bytes.add(static_cast<double>(request.bytes));
    }
    bool told = false;
    const OnExit gone([this, &entry, &told, series, cancel, bytes = request.bytes] {
      if (cancel != nullptr) cancel->leave_ = nullptr;
      if (series != nullptr) {
        series->queue_size.add(-1);
        series->queue_bytes.add(-static_cast<double>(bytes));
      }
      if (told) return;
      leave(*entry);  // no-op when it was dispatched while nobody listened any more:
      if (entry->outcome == Outcome::kDispatched) ended(*entry);
    });
    if (cancel != nullptr) cancel->leave_ = [this, &entry] { leave(*entry); };
    const bool resumed = co_await entry->waiter.wait();
    if (!resumed) leave(*entry);
    told = true;
  }

  observe(*entry, series, start, enqueue_took);
  if (entry->outcome == Outcome::kDispatched) {
    result.admission = Admission(*this, entry);
    result.refusal.outcome = Outcome::kDispatched;
  } else {
    result.refusal = {entry->outcome, entry->message};
  }
  co_return result;
}

void FlowController::observe(const Entry& entry, FlowSeries* series, TimePoint start,
                             Duration enqueue_took) const {
  if (series == nullptr) return;
  const auto& outcome = metrics_->outcome(*series, entry.outcome);
  outcome.queue_duration.observe(to_seconds(entry.decided_at - start));
  outcome.enqueue_duration.observe(to_seconds(enqueue_took));
  outcome.requests->increment();
}

}  // namespace nacelle::router::flow
