// band.h: all flows of one priority: their limits, order and fairness.
//
// Home:    whatever guards the FlowQueues it belongs to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "router/flow/core/fairness_policy.h"
#include "router/flow/core/flow_queue.h"
#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

class Band {
 public:
  Band(int priority, const BandConfig& config, bool dynamic, TimePoint now)
      : priority_(priority),
        config_(config),
        dynamic_(dynamic),
        fairness_(make_fairness_policy(config)),
        empty_since_(now) {}
  Band(const Band&) = delete;
  Band& operator=(const Band&) = delete;

  [[nodiscard]] int priority() const { return priority_; }
  [[nodiscard]] const BandConfig& config() const { return config_; }
  [[nodiscard]] bool dynamic() const { return dynamic_; }  // goes when it was idle for long
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t num_flows() const { return flows_.size(); }
  [[nodiscard]] TimePoint empty_since() const { return empty_since_; }
  [[nodiscard]] FairnessPolicy& fairness() const { return *fairness_; }

  [[nodiscard]] FlowQueue* find(std::string_view fairness_id) const;
  FlowQueue& add_flow(std::string_view fairness_id);
  void remove_flow(FlowQueue& flow);  // destroys it; it is empty

  void push(FlowQueue& flow, Ticket& ticket, TimePoint now);
  void remove(Ticket& ticket, TimePoint now);
  // The next request by fairness, then order; at least one waits. Stays in its queue.
  [[nodiscard]] Ticket& next(TimePoint now) { return fairness_->pick(now).head(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>()(id); }
  };

  const int priority_;
  const BandConfig config_;
  const bool dynamic_;
  std::unique_ptr<FairnessPolicy> fairness_;
  std::unordered_map<std::string, std::unique_ptr<FlowQueue>, Hash, std::equal_to<>> flows_;
  std::uint64_t requests_ = 0;
  std::uint64_t bytes_ = 0;
  TimePoint empty_since_;
};

}  // namespace nacelle::router::flow
