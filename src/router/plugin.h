// plugin.h: the kinds of steps a scheduling cycle is made of.
//
// A plugin is one object of one configured type; it may be of several kinds. Filters, scorers,
// pickers, handlers, deciders, screeners, admitters and finishers are pure: what they return
// depends on their arguments alone. Producers hold what lives on between requests.
//
// Home:    called inside the pick, under the router's leaf lock: no waiting, no allocation per
//          endpoint.
// Source:  router.md sections 4, 8 and 9.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "router/candidate.h"

namespace nacelle::router {

class Plugin {
 public:
  virtual ~Plugin() = default;

  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  void set_identity(std::string type, std::string name) {
    type_ = std::move(type);
    name_ = std::move(name);
  }

 private:
  std::string type_;
  std::string name_;
};

// Removes candidates that must not get the request.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual void filter(const PickContext& context, Candidates& candidates) const = 0;
};

// Rates candidates; scores[i] belongs to candidates[i] and lies in [0, 1], 1 is best.
class Scorer {
 public:
  virtual ~Scorer() = default;
  // `scores` come in as zeros.
  virtual void score(const PickContext& context, const Candidates& candidates,
                     std::span<double> scores) const = 0;
};

// Appends at least one of at least one candidates to `targets`, best first.
class Picker {
 public:
  virtual ~Picker() = default;
  virtual void pick(const PickContext& context, const Candidates& candidates,
                    std::span<const double> totals, std::vector<Target>& targets) const = 0;
};

// Chooses which profiles run, and which of their results gets the request.
class ProfileHandler {
 public:
  virtual ~ProfileHandler() = default;
  // The profile to run now; nullopt when all that is wanted ran.
  [[nodiscard]] virtual std::optional<std::uint32_t> next(const PickContext& context) const = 0;
  // Sets decision.primary, or refuses.
  virtual void finish(const PickContext& context, Decision& decision) const = 0;
  // What a finished decision is called, of handlers that run stages on different endpoints; a
  // literal.
  [[nodiscard]] virtual std::string_view stages(const Decision& decision) const {
    (void)decision;
    return {};
  }
};

// Whether a further stage (a separate prefill) is worth it, given the endpoint chosen to decode.
class Decider {
 public:
  virtual ~Decider() = default;
  [[nodiscard]] virtual bool wanted(const PickContext& context, std::uint32_t decode) const = 0;
};

// Narrows the pool before any profile runs.
class Screener {
 public:
  virtual ~Screener() = default;
  virtual void screen(const PickContext& context, Candidates& pool) const = 0;
};

// May refuse the request as such.
class Admitter {
 public:
  virtual ~Admitter() = default;
  [[nodiscard]] virtual Status admit(const PickContext& context, const Candidates& pool) const = 0;
};

// Adds headers once the targets are known.
class Finisher {
 public:
  virtual ~Finisher() = default;
  virtual void finish(const PickContext& context, Decision& decision) const = 0;
};

// A request that another endpoint served than the one it was placed on.
struct Move {
  EndpointId from;
  const EndpointSnapshot& to;
  std::uint32_t primary = 0;  // the profile whose target it is
  TimePoint now{};
  // The request, as far as it was kept; views of the caller's.
  std::span<const HeaderView> headers = {};
  std::span<const std::uint64_t> block_hashes = {}, precise_hashes = {};
  std::span<const std::uint32_t> held = {};  // by PrefixSourceId: blocks that `from` held before
};

// Holds state and turns it into columns. Not pure, and never called during a replay.
class Producer {
 public:
  virtual ~Producer() = default;
  // Fills this producer's own columns of `input`; everything else of it is set.
  virtual void produce(DecisionInput& input) = 0;
  // The decision stands and its load is reserved.
  virtual void committed(const DecisionInput& input, const Decision& decision) {
    (void)input, (void)decision;
  }
  // Takes back what committed() booked on move.from, and books it on move.to. `response_headers`
  // are those that go to the client.
  virtual void moved(const Move& move, std::vector<HeaderValue>& response_headers) {
    (void)move, (void)response_headers;
  }
  virtual void pool_changed(const PoolView& pool) { (void)pool; }
  // The endpoint left, or a new process answers in its place.
  virtual void forget(EndpointId endpoint) { (void)endpoint; }
};

}  // namespace nacelle::router
