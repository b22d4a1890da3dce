// served_by.cc: a placement follows the request to the fallback that served it.
#include <algorithm>
#include <optional>

#include "router/router.h"

namespace nacelle::router {

std::unique_ptr<const Placement::Kept> Router::kept_for_a_move() const {
  auto kept = std::make_unique<Placement::Kept>();
  const RoutingRequest& request = input_.request;
  kept->block_hashes.assign(request.block_hashes.begin(), request.block_hashes.end());
  kept->precise_hashes.assign(request.precise_hashes.begin(), request.precise_hashes.end());
  const std::uint32_t first = decision_.targets().front().position;
  for (const PrefixColumn& prefix : input_.prefix) {
    kept->held.push_back(prefix.matched.empty() ? 0 : prefix.matched[first]);
  }
  kept->primary = decision_.primary;
  return kept;
}

bool Router::served_by(Placement& placement, std::string_view address,
                       std::span<const HeaderView> headers, TimePoint now) {
  auto& destinations = placement.destinations_;
  if (destinations.empty() || destinations.front().address == address) return false;
  const std::scoped_lock lock(mutex_);
  const auto& endpoints = pool_->snapshot()->endpoints;
  // Destinations first: a destination's port may not be its endpoint's own.
  const auto listed =
      std::find_if(destinations.begin(), destinations.end(),
                   [&](const Placement::Destination& d) { return d.address == address; });
  const auto found = std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) {
    return listed != destinations.end() ? endpoint.id == listed->id : endpoint.address == address;
  });
  if (found == endpoints.end() || found->id == placement.id()) return false;

  const EndpointId from = placement.id();
  PerEndpoint& to = endpoints_[found->id.value];
  PerEndpoint& left = endpoints_[from.value];
  // An endpoint that went and came back has counters of its own.
  if (placement.load_.is_on(*left.load) && left.placed_since_scrape > 0) {
    --left.placed_since_scrape;
  }
  ++to.placed_since_scrape;
  placement.load_ = Reservation(to.load, placement.load_.tokens());
  placement.observer_.reset();

  Move move{.from = from, .to = *found, .now = now, .headers = headers};
  if (placement.kept_ != nullptr) {
    move.primary = placement.kept_->primary;
    move.block_hashes = placement.kept_->block_hashes;
    move.precise_hashes = placement.kept_->precise_hashes;
    move.held = placement.kept_->held;
  }
  for (Producer* producer : schedule_.producers) {
    producer->moved(move, placement.response_headers_);
  }
  placement.kept_.reset();
  if (listed != destinations.end()) {
    std::rotate(destinations.begin(), listed, listed + 1);
  } else {
    destinations.insert(destinations.begin(), {found->id, std::string(address)});
  }
  return true;
}

}  // namespace nacelle::router
