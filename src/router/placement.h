// placement.h: where a request goes, and the load it holds there.
//
// A request that one of the fallbacks served is moved there by Router::served_by().
//
// Home:    the request's own loop; the counters it changes are atomic.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/answer_observer.h"
#include "router/decision.h"
#include "router/endpoint.h"

namespace nacelle::router {

// One endpoint's load, shared by the router and the placements on it.
struct LoadCell {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> tokens{0};
};

// A share of one endpoint's load. Gives it back when destroyed.
class Reservation {
 public:
  Reservation() = default;
  // Adds the load.
  Reservation(std::shared_ptr<LoadCell> load, std::uint64_t tokens);
  Reservation(Reservation&&) noexcept = default;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { release(); }

  void release_tokens();
  void release();
  [[nodiscard]] std::uint64_t tokens() const { return tokens_; }
  [[nodiscard]] bool is_on(const LoadCell& load) const { return load_.get() == &load; }

 private:
  std::uint64_t tokens_ = 0;
  std::shared_ptr<LoadCell> load_;
};

// A request's place on an endpoint, and on a second one that prefills for it. Releases its load
// when destroyed.
class Placement {
 public:
  struct Destination {
    EndpointId id;
    std::string address;  // host:port
  };
  struct EndpointScore {
    std::string address;
    double score = 0;
  };

  Placement() = default;
  Placement(Placement&&) noexcept = default;
  Placement& operator=(Placement&&) noexcept = default;

  [[nodiscard]] EndpointId id() const { return destinations_.front().id; }
  [[nodiscard]] const std::string& address() const { return destinations_.front().address; }
  // Best first; the rest are for when the first cannot be reached.
  [[nodiscard]] const std::vector<Destination>& destinations() const { return destinations_; }
  // Leading blocks of the prompt that the endpoint is believed to hold, and of how many.
  [[nodiscard]] std::uint32_t matched_blocks() const { return matched_blocks_; }
  [[nodiscard]] std::uint32_t total_blocks() const { return total_blocks_; }
  [[nodiscard]] std::uint32_t block_size_tokens() const { return block_size_tokens_; }
  [[nodiscard]] double score() const { return score_; }
  // "decode-only", "prefill-decode", ... of a handler that separates them, else "".
  [[nodiscard]] std::string_view stages() const { return stages_; }
  // That the first destination is reserved to compute.
  [[nodiscard]] std::uint64_t tokens_in_flight() const { return load_.tokens(); }
  // Of every endpoint that the primary profile scored; empty unless Router::tell_scores().
  [[nodiscard]] const std::vector<EndpointScore>& scores() const { return scores_; }

  // On the request to the engine: first remove, then set. On the answer to the client: set.
  [[nodiscard]] const std::vector<std::string>& remove_headers() const { return remove_headers_; }
  [[nodiscard]] const std::vector<HeaderValue>& set_headers() const { return set_headers_; }
  [[nodiscard]] const std::vector<HeaderValue>& response_headers() const {
    return response_headers_;
  }

  // Null where nobody learns from answers.
  [[nodiscard]] AnswerObserver* observer() const { return observer_.get(); }

  // The endpoint answered: its prefill is done, only the request itself still weighs. A separate
  // prefill endpoint is done altogether.
  void on_first_byte();
  void release();

 private:
  friend class Router;

  // What a move to a fallback needs; kept where there are fallbacks, until the first byte.
  struct Kept {
    std::vector<std::uint64_t> block_hashes, precise_hashes;
    std::vector<std::uint32_t> held;  // by prefix source: blocks that the first held before
    std::uint32_t primary = 0;        // profile
  };

  std::vector<Destination> destinations_;
  std::uint32_t matched_blocks_ = 0;
  std::uint32_t total_blocks_ = 0;
  std::uint32_t block_size_tokens_ = 0;
  std::string_view stages_;
  double score_ = 0;
  std::vector<EndpointScore> scores_;
  std::vector<std::string> remove_headers_;
  std::vector<HeaderValue> set_headers_;
  std::vector<HeaderValue> response_headers_;
  Reservation load_;
  Reservation prefill_load_;
  std::unique_ptr<AnswerObserver> observer_;
  std::unique_ptr<const Kept> kept_;
};

}  // namespace nacelle::router
