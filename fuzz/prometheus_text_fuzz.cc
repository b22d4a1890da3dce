// links: telemetry
// prometheus_text_fuzz.cc: scraped text from an endpoint that may be broken or hostile.
//
// Checks: every view lies inside the text, and every line is a sample, malformed, or ignored.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "telemetry/prometheus_text.h"

namespace {

using namespace nacelle::telemetry;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_inside(std::string_view part, std::string_view text) {
  if (part.empty()) return;
  require(part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  PrometheusTextReader reader(text);
  PrometheusSample sample;
  std::size_t samples = 0;
  while (reader.next(sample)) {
    ++samples;
    require(!sample.name.empty());
    require_inside(sample.name, text);
    require_inside(sample.raw_labels, text);
    PrometheusLabels labels = sample.labels();
    PrometheusLabels::Label label;
    while (labels.next(label)) {
      require(!label.name.empty());
      require_inside(label.raw_value, text);
      require(sample.label(label.name).has_value());
      require(unescape_label(label.raw_value).size() <= label.raw_value.size());
    }
  }
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  require(samples + reader.malformed_lines() <= lines);
  return 0;
}
