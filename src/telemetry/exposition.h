// exposition.h: collects samples of one scrape and prints them as Prometheus text 0.0.4.
//
// Samples of one name are printed together under one HELP and TYPE line, whatever order they came
// in; families are sorted by name. A name that comes with two types keeps the first.
//
// Home:    the scraping thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/metrics.h"

namespace nacelle::telemetry {

class Exposition final : public Snapshot {
 public:
  // Makes HELP and TYPE appear also when no sample follows.
  void declare(std::string_view name, std::string_view help, std::string_view type);

  void counter(std::string_view name, std::string_view help, const Labels& labels,
               double value) override;
  void gauge(std::string_view name, std::string_view help, const Labels& labels,
             double value) override;
  void histogram(std::string_view name, std::string_view help, const Labels& labels,
                 const std::vector<std::pair<double, std::uint64_t>>& cumulative,
                 std::uint64_t count, double sum) override;

  [[nodiscard]] std::string text() const;

 private:
  std::string& family(std::string_view name, std::string_view help, std::string_view type);

  std::map<std::string, std::string, std::less<>> families_;  // name -> its lines
};

}  // namespace nacelle::telemetry
