// plugin.h: the three kinds of steps a scheduling profile is made of.
//
// Home:    called inside the pick, under the router's leaf lock: no waiting, no allocation per
// endpoint. Source:  router.md section 8.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "router/candidate.h"

namespace nacelle::router {

// Removes candidates that must not get the request.
class Filter {
 public:
  virtual ~Filter() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  // Keeps the order of those that stay.
  virtual void filter(const PickContext& context, std::vector<Candidate>& candidates) const = 0;
};

// Rates candidates; scores[i] belongs to candidates[i] and lies in [0, 1], 1 is best.
class Scorer {
 public:
  virtual ~Scorer() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  virtual void score(const PickContext& context, std::span<const Candidate> candidates,
                     std::span<double> scores) const = 0;
};

// Chooses one of at least one candidates; returns its index.
class Picker {
 public:
  virtual ~Picker() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  virtual std::size_t pick(const PickContext& context, std::span<const Candidate> candidates) = 0;
};

struct WeightedScorer {
  std::unique_ptr<Scorer> scorer;
  double weight = 1;
};

struct Profile {
  std::vector<std::unique_ptr<Filter>> filters;
  std::vector<WeightedScorer> scorers;
  std::unique_ptr<Picker> picker;
};

}  // namespace nacelle::router
