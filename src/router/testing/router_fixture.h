// router_fixture.h: a router from a configuration's text over a small pool.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "router/config/router_setup.h"
#include "router/router.h"

namespace nacelle::router::testing {

inline const TimePoint kStart{std::chrono::seconds(100)};

// Endpoints 10.0.0.1:8000, 10.0.0.2:8000 ... named pod-0, pod-1 ..., idle and freshly scraped.
inline PoolSnapshot pool_of(std::uint32_t count) {
  PoolSnapshot pool;
  for (std::uint32_t i = 0; i < count; ++i) {
    EndpointSnapshot& endpoint = pool.endpoints.emplace_back();
    endpoint.id = EndpointId{i};
    endpoint.name = "pod-" + std::to_string(i);
    endpoint.address = "10.0.0." + std::to_string(i + 1) + ":8000";
    endpoint.metrics = {true, kStart, 0, 0, 0, 16, 4096};
  }
  return pool;
}

inline void label(PoolSnapshot& pool, std::size_t i, Labels labels) {
  pool.endpoints[i].labels = std::make_shared<const Labels>(std::move(labels));
}

// `body` follows apiVersion and kind.
inline RouterSetup setup_of(std::string_view body) {
  auto setup = load_router_setup(
      "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n" + std::string(body), "test",
      {.allow_experimental_plugins = true});
  EXPECT_EQ(setup.error().message(), "");
  return std::move(*setup);
}

inline std::unique_ptr<Router> router_of(std::string_view body, const PoolSnapshot& pool) {
  auto router = std::make_unique<Router>(std::move(setup_of(body).schedule));
  router->publish(std::make_shared<const PoolSnapshot>(pool));
  return router;
}

inline RoutingRequest request_of(std::span<const std::uint64_t> hashes, std::uint64_t random = 0) {
  RoutingRequest request;
  request.block_hashes = hashes;
  request.prompt_tokens = hashes.size() * 64;
  request.random = random;
  return request;
}

}  // namespace nacelle::router::testing
