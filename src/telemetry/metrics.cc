#include "telemetry/metrics.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <prometheus/check_names.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include "base/check.h"
#include "telemetry/exposition.h"

namespace nacelle::telemetry {

namespace {

class OneCounter final : public Counter {
 public:
  void increment(double by) override { counter_.Increment(by); }
  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter counter_;
};

class OneGauge final : public Gauge {
 public:
  void set(double value) override { gauge_.Set(value); }
  void add(double by) override { gauge_.Increment(by); }
  double value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge gauge_;
};

class OneHistogram final : public Histogram {
 public:
  explicit OneHistogram(const std::vector<double>& bounds) : histogram_(bounds) {}
  void observe(double value) override { histogram_.Observe(value); }
  prometheus::ClientMetric::Histogram collect() const { return histogram_.Collect().histogram; }

 private:
  prometheus::Histogram histogram_;
};

// What all families have in common, for the registry.
class AnyFamily {
 public:
  AnyFamily(std::string name, std::string help, LabelNames labels, std::size_t max_children)
      : name_(std::move(name)),
        help_(std::move(help)),
        labels_(std::move(labels)),
        max_children_(max_children) {
    CHECK(prometheus::CheckMetricName(name_));
    for (const auto& label : labels_) CHECK(prometheus::CheckLabelName(label));
  }
  virtual ~AnyFamily() = default;
  virtual void write(Exposition& out) const = 0;

  const std::string& name() const { return name_; }
  const LabelNames& labels() const { return labels_; }

 protected:
  Labels pairs(const LabelValues& values) const {
    Labels out;
    for (std::size_t i = 0; i < values.size(); ++i) out.emplace_back(labels_[i], values[i]);
    return out;
  }

  const std::string name_;
  const std::string help_;
  const LabelNames labels_;
  const std::size_t max_children_;
  mutable std::mutex mutex_;
};

void write_child(Exposition& out, std::string_view name, std::string_view help,
                 const Labels& labels, const OneCounter& child) {
  out.counter(name, help, labels, child.value());
}
void write_child(Exposition& out, std::string_view name, std::string_view help,
                 const Labels& labels, const OneGauge& child) {
  out.gauge(name, help, labels, child.value());
}
void write_child(Exposition& out, std::string_view name, std::string_view help,
                 const Labels& labels, const OneHistogram& child) {
  const auto data = child.collect();
  std::vector<std::pair<double, std::uint64_t>> cumulative;
  for (const auto& bucket : data.bucket) {
    if (std::isfinite(bucket.upper_bound)) {
      cumulative.emplace_back(bucket.upper_bound, bucket.cumulative_count);
    }
  }
  out.histogram(name, help, labels, cumulative, data.sample_count, data.sample_sum);
}

template <class Child, class Own>
class OwnFamily final : public AnyFamily, public Family<Child> {
 public:
  template <class Make>
  OwnFamily(std::string name, std::string help, LabelNames labels, std::size_t max_children,
            Make make)
      : AnyFamily(std::move(name), std::move(help), std::move(labels), max_children), make_(make) {
    if (labels_.empty()) (void)with({});  // starts at zero, so that graphs exist
  }

  Child& with(const LabelValues& values) override {
    CHECK(values.size() == labels_.size());
    std::lock_guard lock(mutex_);
    auto found = children_.find(values);
    if (found == children_.end() && children_.size() >= max_children_) {
      found = children_.find(LabelValues(labels_.size(), "overflow"));
      if (found == children_.end()) {
        found = children_.emplace(LabelValues(labels_.size(), "overflow"), make_()).first;
      }
    }
    if (found == children_.end()) found = children_.emplace(values, make_()).first;
    return *found->second;
  }

  void write(Exposition& out) const override {
    out.declare(name_, help_, type_of(static_cast<const Own*>(nullptr)));
    std::lock_guard lock(mutex_);
    for (const auto& [values, child] : children_) {
      write_child(out, name_, help_, pairs(values), *child);
    }
  }

 private:
  static std::string_view type_of(const OneCounter*) { return "counter"; }
  static std::string_view type_of(const OneGauge*) { return "gauge"; }
  static std::string_view type_of(const OneHistogram*) { return "histogram"; }

  const std::function<std::unique_ptr<Own>()> make_;
  std::map<LabelValues, std::unique_ptr<Own>> children_;  // guarded; nodes never move
};

}  // namespace

struct Metrics::Impl {
  template <class Child, class Own, class Make>
  Family<Child>& family(const std::string& name, const std::string& help, LabelNames labels,
                        std::size_t max_children, Make make) {
    std::lock_guard lock(mutex);
    auto& slot = families[name];
    if (slot == nullptr) {
      slot = std::make_unique<OwnFamily<Child, Own>>(name, help, std::move(labels), max_children,
                                                     make);
    } else {
      CHECK(slot->labels() == labels);
    }
    auto* own = dynamic_cast<OwnFamily<Child, Own>*>(slot.get());
    CHECK(own != nullptr);  // declared before with another type
    return *own;
  }

  mutable std::mutex mutex;
  std::map<std::string, std::unique_ptr<AnyFamily>> families;  // guarded; nodes never go
  std::vector<std::function<void(Snapshot&)>> collectors;      // guarded
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Family<Counter>& Metrics::counter(const std::string& name, const std::string& help,
                                  LabelNames labels, std::size_t max_children) {
  return impl_->family<Counter, OneCounter>(name, help, std::move(labels), max_children,
                                            [] { return std::make_unique<OneCounter>(); });
}

Family<Gauge>& Metrics::gauge(const std::string& name, const std::string& help, LabelNames labels,
                              std::size_t max_children) {
  return impl_->family<Gauge, OneGauge>(name, help, std::move(labels), max_children,
                                        [] { return std::make_unique<OneGauge>(); });
}

Family<Histogram>& Metrics::histogram(const std::string& name, const std::string& help,
                                      std::vector<double> upper_bounds, LabelNames labels,
                                      std::size_t max_children) {
  CHECK(std::is_sorted(upper_bounds.begin(), upper_bounds.end()));
  return impl_->family<Histogram, OneHistogram>(
      name, help, std::move(labels), max_children,
      [bounds = std::move(upper_bounds)] { return std::make_unique<OneHistogram>(bounds); });
}

void Metrics::add_collector(std::function<void(Snapshot&)> collector) {
  std::lock_guard lock(impl_->mutex);
  impl_->collectors.push_back(std::move(collector));
}

std::string Metrics::serialize() const {
  Exposition out;
  std::vector<std::function<void(Snapshot&)>> collectors;
  {
    std::lock_guard lock(impl_->mutex);
    for (const auto& [name, family] : impl_->families) family->write(out);
    collectors = impl_->collectors;
  }
  for (const auto& collect : collectors) collect(out);
  return out.text();
}

}  // namespace nacelle::telemetry
