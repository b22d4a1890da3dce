// prometheus_text.h: reads Prometheus text (0.0.4, and OpenMetrics samples) that another process
// wrote.
//
//   PrometheusTextReader reader(body);
//   PrometheusSample sample;
//   while (reader.next(sample)) { if (sample.name == "vllm:num_requests_running") ... }
//
// Everything is a view into the text; nothing is allocated. The text may be hostile: a malformed
// line is skipped and counted, and the cost is linear in the length of the text.
//
// Home:    any thread; the text must outlive the samples.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::telemetry {

// Walks `a="x",b="y"`. Values are raw: unescape_label() undoes \\, \" and \n.
class PrometheusLabels {
 public:
  PrometheusLabels() = default;
  explicit PrometheusLabels(std::string_view raw) : rest_(raw) {}

  struct Label {
    std::string_view name;
    std::string_view raw_value;
  };
  // False at the end (the reader has checked the syntax).
  bool next(Label& label);

 private:
  std::string_view rest_;
};

struct PrometheusSample {
  std::string_view name;
  std::string_view raw_labels;  // between the braces; "" without braces
  double value = 0;             // may be NaN or infinite

  [[nodiscard]] PrometheusLabels labels() const { return PrometheusLabels(raw_labels); }
  // The raw value of the first label of that name.
  [[nodiscard]] std::optional<std::string_view> label(std::string_view label_name) const;
};

class PrometheusTextReader {
 public:
  explicit PrometheusTextReader(std::string_view text) : rest_(text) {}

  // The next sample; comments, empty and malformed lines are skipped. False at the end.
  bool next(PrometheusSample& sample);

  [[nodiscard]] std::size_t malformed_lines() const { return malformed_; }

 private:
  std::string_view rest_;
  std::size_t malformed_ = 0;
};

[[nodiscard]] std::string unescape_label(std::string_view raw_value);

}  // namespace nacelle::telemetry
