// usage_record.h: what one request used, for the books.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/ai/auth/sigv4.h"
#include "gateway/ai/limits/rate_limiter.h"
#include "provider/usage.h"

namespace nacelle::gateway::ai {

struct UsageRecord {
  WallTime at;
  std::string key_id;  // "" = no key was asked for
  std::string model;   // the client's name
  std::string route;
  std::string backend;
  std::uint32_t http_status = 0;
  provider::TokenUsage usage;
  std::uint64_t cost = 0;  // by the route's cost expression; 0 without one
  std::vector<DurableCharge> charges;
};

}  // namespace nacelle::gateway::ai
