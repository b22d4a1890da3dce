// links: gateway
// gateway_config_fuzz.cc: configuration files with any content: a model, or problems that say
// where.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto model = nacelle::gateway::parse_model({{"f.yaml", text}});
  if (!model.ok() && model.error().message().empty()) std::abort();
  if (model.ok()) {
    for (const auto& rule : model->rules)
      for (const auto& backend : rule.backends)
        if (backend.cluster >= model->clusters.size()) std::abort();
  }
  return 0;
}
