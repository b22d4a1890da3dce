#include "telemetry/twin_metric.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace nacelle::telemetry {

namespace {

// The old name's labels and where their values come from.
struct OldLabels {
  explicit OldLabels(const TwinName& name) {
    if (name.old_labels.empty()) {
      names = name.labels;
      for (std::size_t i = 0; i < names.size(); ++i) sources.push_back(i);
    }
    for (const auto& [old_label, label] : name.old_labels) {
      const auto found = std::find(name.labels.begin(), name.labels.end(), label);
      CHECK(found != name.labels.end());
      names.push_back(old_label);
      sources.push_back(static_cast<std::size_t>(found - name.labels.begin()));
    }
  }

  LabelNames names;
  std::vector<std::size_t> sources;
};

template <class Child, class Declare>
TwinFamily<Child> declare_twin(const TwinName& name, Declare declare) {
  Family<Child>& current = declare(name.name, "[ALPHA] " + name.help, name.labels);
  if (name.old_name.empty()) return {current, nullptr, {}};
  OldLabels old(name);
  Family<Child>& twin =
      declare(name.old_name, fmt::format("[ALPHA] [Deprecated: Use {}] {}", name.name, name.help),
              old.names);
  return {current, &twin, std::move(old.sources)};
}

}  // namespace

TwinFamily<Counter> twin_counter(Metrics& metrics, const TwinName& name) {
  return declare_twin<Counter>(name,
                               [&](const std::string& n, const std::string& help,
                                   const LabelNames& labels) -> Family<Counter>& {
                                 return metrics.counter(n, help, labels, name.max_children);
                               });
}

TwinFamily<Gauge> twin_gauge(Metrics& metrics, const TwinName& name) {
  return declare_twin<Gauge>(name,
                             [&](const std::string& n, const std::string& help,
                                 const LabelNames& labels) -> Family<Gauge>& {
                               return metrics.gauge(n, help, labels, name.max_children);
                             });
}

TwinFamily<Histogram> twin_histogram(Metrics& metrics, const TwinName& name,
                                     std::vector<double> upper_bounds) {
  return declare_twin<Histogram>(name,
                                 [&](const std::string& n, const std::string& help,
                                     const LabelNames& labels) -> Family<Histogram>& {
                                   return metrics.histogram(n, help, upper_bounds, labels,
                                                            name.max_children);
                                 });
}

}  // namespace nacelle::telemetry
