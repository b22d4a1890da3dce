// program_aware.h: the flow that got the least service lately, tempered by how long its head waits.
//
// A flow is an agent program that sends many requests. Its attained service grows by prompt tokens
// plus twice the completion tokens when a request ends, and halves every half-life, so a program
// that was heavy an hour ago competes as a new one. Among the flows that wait,
//   score = ws * (1 - norm(attained)) + ww * norm(head wait),   norm = min-max over those flows,
// and the highest is served; ties go to the earlier head. Every head's wait grows and with it the
// score, unless ww is 0. O(flows that wait) per pick.
//
// Home:    see fairness_policy.h.
// Bounds:  kMaxPrograms; beyond it the longest unused are forgotten sooner.
// Source:  router.md section 12.3; least attained service scheduling (Nuyens and Wierman, 2008).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "router/flow/core/fairness_policy.h"

namespace nacelle::router::flow {

struct Program {
  double attained = 0;  // tokens as of `updated`
  TimePoint updated{};
  TimePoint touched{};
  double wait_seconds = 0;  // sum over the dispatched
  std::uint64_t dispatched = 0;
  bool waiting = false;  // a flow points here
};

class ProgramAware final : public FairnessPolicy {
 public:
  static constexpr std::size_t kMaxPrograms = 20'000;

  explicit ProgramAware(const ProgramAwareConfig& config) : config_(config) {}

  void added(FlowQueue& flow, TimePoint now) override;
  void removed(FlowQueue& flow) override;
  void head_changed(FlowQueue&) override {}
  FlowQueue& pick(TimePoint now) override;
  void served(std::string_view fairness_id, std::uint64_t prompt_tokens,
              std::uint64_t completion_tokens, TimePoint now) override;
  void sweep(TimePoint now) override;
  [[nodiscard]] std::vector<ProgramStats> programs(TimePoint now) const override;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>()(id); }
  };

  [[nodiscard]] double decayed(const Program& program, TimePoint now) const;
  Program& program_of(std::string_view fairness_id, TimePoint now);
  void forget_older_than(Duration age, TimePoint now);

  ProgramAwareConfig config_;
  std::unordered_map<std::string, Program, Hash, std::equal_to<>> programs_;
  std::vector<FlowQueue*> waiting_;
  std::vector<double> attained_;  // of waiting_, reused between picks
  TimePoint last_sweep_{};
};

}  // namespace nacelle::router::flow
