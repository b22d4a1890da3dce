// flow_controller.h: holds requests back until the pool has room for them, in the right order.
//
//   AdmitCancel cancel;
//   exchange.on_client_gone([&cancel] { cancel.cancel(); });
//   AdmitResult result = co_await controller.admit(std::move(request), &cancel);
//   if (!result.admitted()) return refuse(result.refusal);
//   ... pick an endpoint, result.admission.placed(), forward, answer ...
//   result.admission.used(prompt_tokens, completion_tokens);        // Admission ends here
//
// Requests are dispatched when one is admitted, when one ends, when the pool's signals change
// (on_pool_change) and by tick(). A waiting request costs its Entry and no timer.
//
// Home:    admit() from any network loop; an Admission and its AdmitCancel stay on that loop. The
//          rest is thread-safe. One leaf lock; the loads callback runs under it and may take the
//          router's lock, never the other way round. Outlives the tasks that wait in it.
// Errors:  none: a refusal is a value with HTTP status, reason header and message.
// Bounds:  FlowControlConfig.
// Source:  router.md section 12.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/task_scope.h"
#include "base/clock.h"
#include "router/flow/core/eviction_plan.h"
#include "router/flow/core/flow_queues.h"
#include "router/flow/core/in_flight_set.h"
#include "router/flow/core/saturation.h"
#include "router/flow/flow_config.h"
#include "router/flow/flow_metrics.h"
#include "router/flow/outcome.h"

namespace nacelle::router::flow {

struct FlowRequest {
  std::string fairness_id = "default-flow";
  int priority = 0;
  std::uint64_t bytes = 0;          // of the body
  std::uint64_t prompt_tokens = 0;  // 0: estimated as a quarter of the bytes
  TimePoint received{};             // zero: now
  Duration slo_ttft{};              // 0: none
  Duration ttl{};                   // 0: the configured one
  std::string model;                // labels of metrics
  std::string target_model;
  // Called on the admitting loop, at most once, when a running request must give way. Empty: it
  // cannot be evicted. The owner then ends the request and the Admission.
  std::function<void(const Refusal&)> on_evicted = {};
};

class FlowController;

// Lets a departing client leave the queue at once. Lives on the loop of its admit() and until that
// returns.
class AdmitCancel {
 public:
  AdmitCancel() = default;
  AdmitCancel(const AdmitCancel&) = delete;
  AdmitCancel& operator=(const AdmitCancel&) = delete;

  void cancel();

 private:
  friend class FlowController;
  bool cancelled_ = false;
  std::function<void()> leave_;  // set while a request waits
};

// A dispatched request's place in the pool. Its end makes room for the next one.
class Admission {
 public:
  struct Entry;

  Admission() = default;
  Admission(Admission&&) noexcept;
  Admission& operator=(Admission&&) noexcept;
  ~Admission() { release(); }

  // An endpoint was picked and its load counted: call right after the pick.
  void placed();
  // What the request consumed, for fairness by service. Before the end.
  void used(std::uint64_t prompt_tokens, std::uint64_t completion_tokens);
  // The request ended. First let go of the endpoint's load, so that the room is seen at once.
  void release();

 private:
  friend class FlowController;
  Admission(FlowController& controller, std::shared_ptr<Entry> entry);

  FlowController* controller_ = nullptr;
  std::shared_ptr<Entry> entry_;
};

struct AdmitResult {
  [[nodiscard]] bool admitted() const { return refusal.outcome == Outcome::kDispatched; }

  Admission admission;
  Refusal refusal;
};

class FlowController {
 public:
  // Fills in what is known of every ready endpoint of the pool. Must not block or wait.
  using Loads = std::function<void(TimePoint now, std::vector<EndpointLoad>& out)>;

  // `metrics` may be null. `clock` and `metrics` outlive the controller.
  FlowController(FlowControlConfig config, Loads loads, const Clock& clock, FlowMetrics* metrics);
  ~FlowController();
  FlowController(const FlowController&) = delete;
  FlowController& operator=(const FlowController&) = delete;

  // Waits until the request may go to an endpoint, or is refused. `cancel` may be null. A cancelled
  // surrounding task leaves the queue too.
  [[nodiscard]] async::Task<AdmitResult> admit(FlowRequest request, AdmitCancel* cancel = nullptr);

  // Metrics were scraped, or endpoints came or went.
  void on_pool_change();
  // Time passed: expiry, dispatch, eviction, garbage, gauges.
  void tick();
  // Calls tick() until the scope stops.
  [[nodiscard]] async::Task<void> keep_time(async::StopScope& scope);

  // Refuses everything that waits and all that comes. Running requests go on.
  void shut_down();

  // Priorities that objectives name, so that their bands exist before the first request.
  void ensure_bands(const std::vector<int>& priorities);

  // The detector as a scheduling filter (saturation.h).
  [[nodiscard]] const SaturationDetector& detector() const { return *detector_; }

  struct Stats {
    std::uint64_t waiting = 0;
    std::uint64_t waiting_bytes = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t reserved = 0;
    double saturation = 0;
  };
  [[nodiscard]] Stats stats();

 private:
  friend class Admission;
  using Entry = Admission::Entry;
  using Wakeups = std::vector<std::shared_ptr<Entry>>;

  // With the lock held:
  void submit(Entry& entry, const FlowRequest& request, TimePoint now);
  void submit_legacy(Entry& entry, TimePoint now);
  void pump(TimePoint now, Wakeups& wakeups);
  void evict(TimePoint now, Wakeups& victims);
  void read_pool(TimePoint now);
  void read_pool_if_old(TimePoint now);
  void decide(Entry& entry, Outcome outcome, TimePoint now);
  void publish_gauges(TimePoint now);

  // Without it:
  void deliver(const Wakeups& wakeups);
  void deliver_evictions(const Wakeups& victims);
  void leave(Entry& entry);
  void ended(Entry& entry);
  void observe(const Entry& entry, FlowSeries* series, TimePoint start,
               Duration enqueue_took) const;

  const FlowControlConfig config_;
  const Loads loads_;
  const Clock& clock_;
  FlowMetrics* const metrics_;
  const std::unique_ptr<SaturationDetector> detector_;
  std::atomic<bool> busy_{false};  // something waits

  std::mutex mutex_;
  FlowQueues queues_;  // guarded, as all below
  InFlightSet in_flight_;
  EvictionPlan eviction_;
  std::vector<EndpointLoad> endpoint_loads_;  // reused between readings
  TimePoint read_at_ = TimePoint::min();
  TimePoint gauges_at_ = TimePoint::min();
  bool pool_changed_ = true;
  bool shutting_down_ = false;
};

}  // namespace nacelle::router::flow
