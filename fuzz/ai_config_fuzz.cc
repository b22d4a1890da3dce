// links: gateway
// ai_config_fuzz.cc: the AI part of configuration files with any content: a configuration whose
// references hold, or problems in words.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/ai/config/ai_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle::gateway::ai;
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    return name.empty() ? std::nullopt : std::optional<std::string>("value");
  };
  const auto config = parse_ai_config({reinterpret_cast<const char*>(data), size}, environment);
  if (!config.ok()) {
    if (config.status().message().empty()) std::abort();
    return 0;
  }
  for (const AiRoute& route : config->routes) {
    for (const AiRouteRule& rule : route.rules) {
      for (const RouteBackend& backend : rule.backends) {
        if (!backend.inference_pool && config->backend(backend.backend) == nullptr) std::abort();
      }
    }
  }
  (void)config->catalogue().openai_list("example.com");
  return 0;
}
