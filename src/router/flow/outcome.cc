#include "router/flow/outcome.h"

#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace nacelle::router::flow {

namespace {
constexpr std::array<OutcomeFacts, 9> kFacts{{
    {"Dispatched", 200, "", ""},
    {"RejectedCapacity", 429, "ResourceExhausted", "rejected-saturated"},
    {"RejectedNoEndpoints", 503, "ServiceUnavailable", "rejected-no-endpoints"},
    {"RejectedOther", 503, "ServiceUnavailable", "rejected-shutting-down"},
    {"EvictedTTL", 429, "ResourceExhausted", "rejected-ttl-expired"},
    {"EvictedNoEndpoints", 503, "ServiceUnavailable", "rejected-no-endpoints"},
    {"EvictedContextCancelled", 503, "ServiceUnavailable", "rejected-context-cancelled"},
    {"EvictedOther", 500, "Internal", ""},
    {"EvictedInFlight", 429, "ResourceExhausted", "evicted"},
}};
}  // namespace

const OutcomeFacts& facts_of(Outcome outcome) {
  return kFacts.at(static_cast<std::size_t>(outcome));
}

std::string Refusal::body() const {
  if (outcome == Outcome::kEvictedInFlight) return "request evicted by flow control";
  return fmt::format("inference error: {} - {}", facts_of(outcome).code, message);
}

}  // namespace nacelle::router::flow
