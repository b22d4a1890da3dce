// twin_metric.h: one metric under two names, the current one and the one dashboards still read.
//
// Both are written in the same call with the same value. The old name may have fewer or renamed
// labels: each of its labels says which of the current ones it copies.
//
// Home:    thread-safe, as telemetry/metrics.h.
// Source:  router.md section 22, item 9, which also gives the HELP text of the old name.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/metrics.h"

namespace nacelle::telemetry {

template <class Child>
class Twin {
 public:
  Twin() = default;
  Twin(Child* current, Child* old) : current_(current), old_(old) {}

  void increment(double by = 1) const {
    each([by](Child& c) { c.increment(by); });
  }
  void set(double value) const {
    each([value](Child& c) { c.set(value); });
  }
  void add(double by) const {
    each([by](Child& c) { c.add(by); });
  }
  void observe(double value) const {
    each([value](Child& c) { c.observe(value); });
  }
  [[nodiscard]] double value() const { return current_->value(); }
  [[nodiscard]] bool told() const { return current_ != nullptr; }  // false: default-constructed

 private:
  template <class F>
  void each(F f) const {
    f(*current_);
    if (old_ != nullptr) f(*old_);
  }

  Child* current_ = nullptr;
  Child* old_ = nullptr;  // none for names that never had another
};

template <class Child>
class TwinFamily {
 public:
  TwinFamily(Family<Child>& current, Family<Child>* old, std::vector<std::size_t> sources)
      : current_(&current), old_(old), sources_(std::move(sources)) {}

  [[nodiscard]] Twin<Child> with(const LabelValues& values) const {
    if (old_ == nullptr) return {&current_->with(values), nullptr};
    LabelValues old_values;
    for (const std::size_t source : sources_) old_values.push_back(values.at(source));
    return {&current_->with(values), &old_->with(old_values)};
  }

 private:
  Family<Child>* current_;
  Family<Child>* old_;
  std::vector<std::size_t> sources_;  // of the old name's labels, positions among the current ones
};

// How a metric is declared under both names.
struct TwinName {
  std::string name;      // "llm_d_epp_request_total"
  std::string old_name;  // "inference_objective_request_total"; "" for none
  std::string help;
  LabelNames labels;
  // Labels of the old name and the current label each copies. Empty: the same as `labels`.
  std::vector<std::pair<std::string, std::string>> old_labels = {};
  std::size_t max_children = Metrics::kMaxChildren;
};

[[nodiscard]] TwinFamily<Counter> twin_counter(Metrics& metrics, const TwinName& name);
[[nodiscard]] TwinFamily<Gauge> twin_gauge(Metrics& metrics, const TwinName& name);
[[nodiscard]] TwinFamily<Histogram> twin_histogram(Metrics& metrics, const TwinName& name,
                                                   std::vector<double> upper_bounds);

}  // namespace nacelle::telemetry
