// metrics.h: counters, gauges and histograms of one process, and their text for /metrics.
//
//   Metrics metrics;
//   auto& requests = metrics.counter("nacelle_gateway_requests_total", "Requests.", {"model",
//   "code"}); requests.with({"demo", "200"}).increment();
//
// Families are declared once, at start, with their label names; label values come from a closed
// set. A family that reaches its bound of children hands out one shared child whose label values
// are all "overflow", so that a client who invents model names cannot grow the process.
//
// Values that live elsewhere (engine statistics, a snapshot) are written at scrape time by a
// collector: metrics.add_collector([](Snapshot& out) { out.gauge("x", "Help.", {{"k", "v"}}, 1);
// });
//
// Home:    thread-safe. increment/set/observe do not lock the registry; keep the child's reference
//          on hot paths, since with() looks labels up under a lock.
// Source:  prometheus-cpp core; text format 0.0.4.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacelle::telemetry {

using LabelNames = std::vector<std::string>;
using LabelValues = std::vector<std::string>;
using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void increment(double by = 1) = 0;  // `by` >= 0
  [[nodiscard]] virtual double value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double by) = 0;
  [[nodiscard]] virtual double value() const = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

// All children of one metric name.
template <class Child>
class Family {
 public:
  virtual ~Family() = default;
  // The child for these label values, in the order of the declared names; created at zero by the
  // first call. The reference lives as long as the Metrics object.
  virtual Child& with(const LabelValues& values) = 0;
};

// Receives the values of a collector during one scrape.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual void counter(std::string_view name, std::string_view help, const Labels& labels,
                       double value) = 0;
  virtual void gauge(std::string_view name, std::string_view help, const Labels& labels,
                     double value) = 0;
  // `cumulative` pairs (upper bound, count of values <= bound), ascending, without +Inf.
  virtual void histogram(std::string_view name, std::string_view help, const Labels& labels,
                         const std::vector<std::pair<double, std::uint64_t>>& cumulative,
                         std::uint64_t count, double sum) = 0;
};

class Metrics {
 public:
  static constexpr std::size_t kMaxChildren = 2000;  // per family, by default

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A name that is declared twice must have the same type and labels (CHECK) and is the same
  // family.
  Family<Counter>& counter(const std::string& name, const std::string& help, LabelNames labels = {},
                           std::size_t max_children = kMaxChildren);
  Family<Gauge>& gauge(const std::string& name, const std::string& help, LabelNames labels = {},
                       std::size_t max_children = kMaxChildren);
  Family<Histogram>& histogram(const std::string& name, const std::string& help,
                               std::vector<double> upper_bounds, LabelNames labels = {},
                               std::size_t max_children = kMaxChildren);

  // Called on the scraping thread during serialize(); must not block.
  void add_collector(std::function<void(Snapshot&)> collector);

  // Prometheus text, content type kTextContentType. Families sorted by name.
  [[nodiscard]] std::string serialize() const;

  static constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::telemetry
