// Any bytes as an EndpointPickerConfig and as an endpoints file: a setup that can decide, or an
// error that says why.

// links: router base
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "router/config/router_setup.h"
#include "router/router.h"
#include "router/signals/endpoints_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto file = router::parse_endpoints_file(text); !file) {
    CHECK(!file.error().message().empty());
  }
  auto setup = router::load_router_setup(text, "fuzz", {.allow_experimental_plugins = true});
  if (!setup) {
    CHECK(!setup.error().message().empty());
    return 0;
  }
  router::Router router(std::move(setup->schedule));
  auto pool = std::make_shared<router::PoolSnapshot>();
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto& endpoint = pool->endpoints.emplace_back();
    endpoint.id = router::EndpointId{i};
    endpoint.name = "e" + std::to_string(i);
    endpoint.address = "10.0.0.1:80";
  }
  router.publish(pool);
  const std::uint64_t hashes[] = {1, 2, 3};
  router::RoutingRequest request;
  request.block_hashes = hashes;
  request.prompt_tokens = 192;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    request.random = seed;
    router::Refusal refusal;
    const auto placed = router.pick(request, TimePoint(std::chrono::seconds(seed)), refusal);
    CHECK(placed.ok() || refusal.http_status >= 400);
  }
  return 0;
}
