// usage_query.h: the admin port's GET /usage, as a function of a query string and a store.
//
//   /usage?from=2026-11-01&to=2026-11-30&key=team-a&model=llama
//
// Without `to` it is today, without `from` the first day of that month.
//
// Errors:  invalid_argument names the parameter (400).
#pragma once

#include <string>
#include <string_view>

#include "gateway/ai/usage/usage_store.h"

namespace nacelle::gateway::ai {

[[nodiscard]] Result<UsageQuery> parse_usage_query(std::string_view query, WallTime now);

// {"from","to","truncated","totals":{...},"data":[{"day","key","model","route","backend",...}]}
[[nodiscard]] std::string usage_json(const UsageQuery& query, const UsageStore::Answer& answer);

[[nodiscard]] Result<std::string> answer_usage(const UsageStore& store, std::string_view query,
                                               WallTime now);

}  // namespace nacelle::gateway::ai
