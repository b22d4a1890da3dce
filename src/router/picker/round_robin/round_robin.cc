#include "router/picker/round_robin/round_robin.h"

namespace nacelle::router {

std::size_t RoundRobinPicker::pick(const PickContext&, std::span<const Candidate> candidates) {
  std::size_t lowest = 0, following = candidates.size();
  const auto id = [&](std::size_t i) { return candidates[i].endpoint->id.value; };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (id(i) < id(lowest)) lowest = i;
    if (id(i) >= next_ && (following == candidates.size() || id(i) < id(following))) following = i;
  }
  const std::size_t picked = following == candidates.size() ? lowest : following;
  next_ = std::uint64_t{id(picked)} + 1;
  return picked;
}

}  // namespace nacelle::router
