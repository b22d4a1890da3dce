#include "router/router.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/check.h"
#include "router/core/decide.h"
#include "router/core/decision_trace.h"
#include "router/producer/approx_prefix_cache/approx_prefix_cache.h"
#include "router/producer/precise_prefix_cache/precise_prefix_cache.h"
#include "router/producer/predicted_latency/predicted_latency.h"

namespace nacelle::router {

Router::Router(Schedule schedule, Duration metrics_stale_after)
    : schedule_(std::move(schedule)),
      metrics_stale_after_(metrics_stale_after),
      pool_(std::make_shared<const PoolView>(std::make_shared<const PoolSnapshot>())) {
  CHECK(schedule_.handler != nullptr && !schedule_.profiles.empty());
  input_.metrics_stale_after = metrics_stale_after_;
  input_.prefix.resize(schedule_.prefix_sources.size());
  input_.columns.resize(schedule_.columns.size());
  approx_ = schedule_.find<ApproxPrefixCache>();
  latency_ = schedule_.find<PredictedLatency>();
  for (std::uint32_t i = 0; i < schedule_.profiles.size(); ++i) {
    if (schedule_.profiles[i].name == "prefill") prefill_profile_ = i;
  }
}

Router::~Router() = default;

void Router::publish(PoolSnapshotPtr pool) {
  auto view = std::make_shared<const PoolView>(std::move(pool));
  const auto& endpoints = view->snapshot()->endpoints;
  const std::scoped_lock lock(mutex_);
  std::size_t ids = endpoints_.size();
  for (const EndpointSnapshot& endpoint : endpoints) {
    ids = std::max<std::size_t>(ids, endpoint.id.value + std::size_t{1});
  }
  endpoints_.resize(ids);

  std::vector<bool> present(ids, false);
  for (const EndpointSnapshot& endpoint : endpoints) {
    present[endpoint.id.value] = true;
    PerEndpoint& state = endpoints_[endpoint.id.value];
    if (endpoint.metrics.known && endpoint.metrics.updated != state.scraped) {
      state.scraped = endpoint.metrics.updated;
      state.placed_since_scrape = 0;
    }
  }
  for (const EndpointSnapshot& endpoint : pool_->snapshot()->endpoints) {
    if (present[endpoint.id.value]) continue;
    for (Producer* producer : schedule_.producers) producer->forget(endpoint.id);
    endpoints_[endpoint.id.value] = PerEndpoint();  // old placements keep their counters
  }
  pool_ = std::move(view);
  for (Producer* producer : schedule_.producers) producer->pool_changed(*pool_);
}

PoolSnapshotPtr Router::pool() const {
  const std::scoped_lock lock(mutex_);
  return pool_->snapshot();
}

void Router::gather(const RoutingRequest& request, TimePoint now, StepObserver* steps) {
  input_.request = request;
  input_.pool = pool_;
  input_.now = now;
  const std::size_t count = pool_->size();
  input_.load_requests.resize(count);
  input_.load_tokens.resize(count);
  input_.unseen_requests.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const PerEndpoint& state = endpoints_[pool_->endpoint(i).id.value];
    const std::uint64_t requests = state.load->requests.load(std::memory_order_relaxed);
    input_.load_requests[i] = requests;
    input_.load_tokens[i] = state.load->tokens.load(std::memory_order_relaxed);
    input_.unseen_requests[i] = std::min(requests, state.placed_since_scrape);
  }
  for (Producer* producer : schedule_.producers) {
    const ObservedStep observed(steps, Step::kProduce, producer);
    producer->produce(input_);
  }
}

std::uint64_t Router::tokens_for(std::uint32_t position) const {
  const ReservationOptions& options = schedule_.reservation;
  const RoutingRequest& request = input_.request;
  std::uint64_t tokens = request.prompt_tokens;
  if (options.prefix_source < input_.prefix.size()) {
    const PrefixColumn& prefix = input_.prefix[options.prefix_source];
    const std::uint64_t matched = prefix.matched.empty() ? 0 : prefix.matched[position];
    const std::uint64_t cached = matched * prefix.block_size_tokens;
    tokens = cached >= tokens ? 0 : tokens - cached;
  }
  if (!options.add_estimated_output) return tokens;
  auto output = static_cast<std::uint64_t>(
      std::llround(static_cast<double>(request.prompt_tokens) * options.output_ratio));
  if (request.max_output_tokens > 0) output = std::min(output, request.max_output_tokens);
  if (options.max_estimated_output > 0) output = std::min(output, options.max_estimated_output);
  return tokens + output;
}

Placement Router::place() {
  Placement out;
  const std::vector<Target>& targets = decision_.targets();
  for (const Target& target : targets) {
    const EndpointSnapshot& endpoint = pool_->endpoint(target.position);
    out.destinations_.push_back({endpoint.id, endpoint.address});
    if (decision_.destination_port == 0) continue;
    std::string& address = out.destinations_.back().address;
    address =
        fmt::format("{}:{}", address.substr(0, address.rfind(':')), decision_.destination_port);
  }
  const auto reserve = [&](std::uint32_t position) {
    PerEndpoint& state = endpoints_[pool_->endpoint(position).id.value];
    ++state.placed_since_scrape;
    return Reservation(state.load, tokens_for(position));
  };
  const std::uint32_t first = targets.front().position;
  out.load_ = reserve(first);
  if (prefill_profile_ && *prefill_profile_ != decision_.primary) {
    const ProfileResult& prefill = decision_.results[*prefill_profile_];
    if (prefill.done()) out.prefill_load_ = reserve(prefill.targets.front().position);
  }
  out.score_ = targets.front().score;
  out.stages_ = schedule_.handler->stages(decision_);
  if (schedule_.reservation.prefix_source < input_.prefix.size()) {
    const PrefixColumn& prefix = input_.prefix[schedule_.reservation.prefix_source];
    out.matched_blocks_ = prefix.matched.empty() ? 0 : prefix.matched[first];
    out.total_blocks_ = prefix.total_blocks;
    out.block_size_tokens_ = prefix.block_size_tokens;
  }
  if (latency_ != nullptr) {
    std::optional<std::uint32_t> prefill;
    if (prefill_profile_ && *prefill_profile_ != decision_.primary &&
        decision_.results[*prefill_profile_].done()) {
      prefill = decision_.results[*prefill_profile_].targets.front().position;
    }
    out.observer_ =
        latency_->placed(input_, first, prefill, endpoints_[pool_->endpoint(first).id.value].load);
  }
  out.remove_headers_ = decision_.remove_headers;
  out.set_headers_ = decision_.set_headers;
  out.response_headers_ = decision_.response_headers;
  if (targets.size() > 1) out.kept_ = kept_for_a_move();
  return out;
}

void Router::add_scores(const DecisionTrace& trace, Placement& out) const {
  const std::string& primary = schedule_.profiles[decision_.primary].name;
  for (const DecisionTrace::ProfileRun& run : trace.runs) {
    if (run.name != primary) continue;
    for (std::size_t i = 0; i < run.candidates.size(); ++i) {
      out.scores_.push_back({pool_->endpoint(run.candidates[i]).address, run.totals[i]});
    }
    return;
  }
}

Result<Placement> Router::pick(const RoutingRequest& request, TimePoint now) {
  Refusal refusal;
  return pick(request, now, refusal);
}

Result<Placement> Router::pick(const RoutingRequest& request, TimePoint now, Refusal& refusal) {
  const std::scoped_lock lock(mutex_);
  StepObserver* steps = nullptr;
  if (step_observer_ != nullptr && unobserved_-- == 0) {
    steps = step_observer_;
    unobserved_ = kObservedPicks - 1;
  }
  gather(request, now, steps);
  std::optional<DecisionTrace> trace;
  if (tells_scores_) trace.emplace();
  decide(schedule_, input_, scratch_, decision_, trace ? &*trace : nullptr, steps);
  if (sink_ != nullptr) sink_->decided(input_, decision_);
  if (!decision_.ok()) {
    refusal = decision_.refusal;
    return refusal.status;
  }
  Placement placement = place();
  if (trace) add_scores(*trace, placement);
  for (Producer* producer : schedule_.producers) {
    const ObservedStep observed(steps, Step::kCommit, producer);
    producer->committed(input_, decision_);
  }
  return placement;
}

void Router::forget_prefixes(EndpointId endpoint) {
  const std::scoped_lock lock(mutex_);
  for (Producer* producer : schedule_.producers) producer->forget(endpoint);
}

InFlightLoad Router::load_of(EndpointId endpoint) const {
  const std::scoped_lock lock(mutex_);
  if (endpoint.value >= endpoints_.size()) return {};
  const LoadCell& load = *endpoints_[endpoint.value].load;
  return {load.requests.load(), load.tokens.load()};
}

PrefixHashOptions Router::prefix_hash_options() const {
  const std::scoped_lock lock(mutex_);
  return approx_ == nullptr ? PrefixHashOptions() : approx_->hash_options(*pool_->snapshot());
}

const Plugin* Router::prefix_producer() const {
  for (const auto& plugin : schedule_.plugins) {
    const auto* producer = dynamic_cast<const PrefixProducer*>(plugin.get());
    if (producer != nullptr && producer->source() == schedule_.reservation.prefix_source) {
      return producer;
    }
  }
  return nullptr;
}

std::vector<std::pair<const Plugin*, std::size_t>> Router::prefix_index_sizes() const {
  std::vector<std::pair<const Plugin*, std::size_t>> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& plugin : schedule_.plugins) {
    const auto* producer = dynamic_cast<const PrefixProducer*>(plugin.get());
    if (producer == nullptr) continue;
    if (const auto size = producer->size()) out.emplace_back(plugin.get(), *size);
  }
  return out;
}

bool Router::wants_prefix_source() const {
  for (const auto& plugin : schedule_.plugins) {
    auto* producer = dynamic_cast<PrefixProducer*>(plugin.get());
    if (producer != nullptr && producer->precise() != nullptr && !producer->precise()->attached()) {
      return true;
    }
  }
  return false;
}

void Router::attach(std::shared_ptr<PrefixMatchSource> index) {
  const std::scoped_lock lock(mutex_);
  for (const auto& plugin : schedule_.plugins) {
    auto* producer = dynamic_cast<PrefixProducer*>(plugin.get());
    if (producer != nullptr && producer->precise() != nullptr) producer->precise()->attach(index);
  }
}

bool Router::wants_latency_source() const {
  const auto* predictions = schedule_.find<PredictedLatency>();
  return predictions != nullptr && !predictions->attached();
}

void Router::attach(std::shared_ptr<LatencySource> model) {
  const std::scoped_lock lock(mutex_);
  if (auto* predictions = schedule_.find<PredictedLatency>()) predictions->attach(std::move(model));
}

void Router::record_to(DecisionSink* sink) {
  const std::scoped_lock lock(mutex_);
  sink_ = sink;
}

}  // namespace nacelle::router
