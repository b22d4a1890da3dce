#include "router/router.h"

#include <algorithm>
#include <utility>

namespace nacelle::router {
namespace {

// Hashes are over blocks of at least 64 tokens whatever the engine's own block size (router.md
// section 10), so an endpoint's capacity is its cache in such blocks.
constexpr std::uint32_t kIndexBlockTokens = 64;

std::uint32_t capacity_blocks(const EndpointMetrics& metrics) {
  const std::uint64_t tokens = std::uint64_t{metrics.block_size_tokens} * metrics.num_blocks;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(tokens / kIndexBlockTokens, UINT32_MAX));
}

}  // namespace

Placement& Placement::operator=(Placement&& other) noexcept {
  if (this != &other) {
    release();
    id_ = other.id_;
    address_ = std::move(other.address_);
    matched_blocks_ = other.matched_blocks_;
    tokens_ = other.tokens_;
    load_ = std::move(other.load_);
  }
  return *this;
}

void Placement::on_first_byte() {
  if (load_ != nullptr) load_->tokens.fetch_sub(std::exchange(tokens_, 0));
}

void Placement::release() {
  if (load_ == nullptr) return;
  on_first_byte();
  load_->requests.fetch_sub(1);
  load_.reset();
}

void Router::publish(PoolSnapshotPtr pool) {
  CHECK(pool != nullptr);
  const std::scoped_lock lock(mutex_);
  std::size_t ids = load_.size();
  for (const EndpointSnapshot& endpoint : pool->endpoints) {
    ids = std::max<std::size_t>(ids, endpoint.id.value + std::size_t{1});
  }
  for (load_.reserve(ids); load_.size() < ids;) load_.push_back(std::make_shared<LoadCell>());

  std::vector<bool> present(ids, false);
  for (const EndpointSnapshot& endpoint : pool->endpoints) {
    present[endpoint.id.value] = true;
    if (const std::uint32_t blocks = capacity_blocks(endpoint.metrics); blocks > 0) {
      index_.set_capacity(endpoint.id, blocks);
    }
  }
  for (const EndpointSnapshot& endpoint : pool_->endpoints) {
    if (present[endpoint.id.value]) continue;
    index_.remove(endpoint.id);
    load_[endpoint.id.value] = std::make_shared<LoadCell>();  // old placements keep theirs
  }
  pool_ = std::move(pool);
}

PoolSnapshotPtr Router::pool() const {
  const std::scoped_lock lock(mutex_);
  return pool_;
}

Result<Placement> Router::pick(const RoutingRequest& request, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  matched_.resize(load_.size());
  index_.match(request.block_hashes, matched_);
  candidates_.clear();
  for (const EndpointSnapshot& endpoint : pool_->endpoints) {
    const LoadCell& load = *load_[endpoint.id.value];
    candidates_.push_back(
        {&endpoint, {load.requests.load(), load.tokens.load()}, matched_[endpoint.id.value], 0});
  }
  const PickContext context{request, now};
  ASSIGN_OR_RETURN(const std::size_t picked, pipeline_.run(context, candidates_));
  const Candidate& chosen = candidates_[picked];
  const EndpointId id = chosen.endpoint->id;
  const std::uint64_t tokens = context.uncached_tokens(chosen);
  LoadCell& load = *load_[id.value];
  load.requests.fetch_add(1);
  load.tokens.fetch_add(tokens);
  index_.insert(id, request.block_hashes);
  return Placement(id, chosen.endpoint->address, chosen.matched_blocks, tokens, load_[id.value]);
}

void Router::forget_prefixes(EndpointId endpoint) {
  const std::scoped_lock lock(mutex_);
  index_.remove(endpoint);
}

InFlightLoad Router::load_of(EndpointId endpoint) const {
  const std::scoped_lock lock(mutex_);
  if (endpoint.value >= load_.size()) return {};
  return {load_[endpoint.value]->requests.load(), load_[endpoint.value]->tokens.load()};
}

}  // namespace nacelle::router
