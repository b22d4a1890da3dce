// links: gateway
// cost_expression_fuzz.cc: expressions of a configuration.
//
// Checks: what compiles evaluates to a count or an error for any counts, twice the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/ai/limits/cost_expression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle::gateway::ai;
  const auto compiled = CostExpression::compile({reinterpret_cast<const char*>(data), size});
  if (!compiled.ok()) return 0;
  CostInputs inputs{.model = "m", .backend = "b", .route_name = "r"};
  for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{7}, UINT64_MAX}) {
    inputs.usage = {true, count, count, count, count / 2, count};
    const auto first = compiled->evaluate(inputs);
    const auto second = compiled->evaluate(inputs);
    if (first.ok() != second.ok() || (first.ok() && *first != *second)) std::abort();
  }
  return 0;
}
