// ai_part.h: the AI kinds among the gateway's objects: one load, and routes like all others.
//
// Every AIGatewayRoute becomes a route whose rules carry tags, in the order of AiConfig's routes
// and their rules; backends keep their place in the rule. Without parentRefs a route is served on
// every listener.
//
// Home:    one load at a time.
// Errors:  every problem of the AI objects, with file, object and path.
#pragma once

#include <memory>

#include "gateway/ai/config/ai_config.h"
#include "gateway/config/part.h"

namespace nacelle::gateway::ai {

class AiPart final : public ConfigPart {
 public:
  explicit AiPart(Environment environment) : environment_(std::move(environment)) {}

  [[nodiscard]] std::span<const PartKind> kinds() const override;
  void read(std::span<const std::pair<std::string, std::string>> files, Objects& objects,
            Problems& problems) override;

  // What the last read() found; null when there is no object of these kinds.
  [[nodiscard]] std::shared_ptr<const AiConfig> config() const { return config_; }

 private:
  const Environment environment_;
  std::shared_ptr<const AiConfig> config_;
};

}  // namespace nacelle::gateway::ai
