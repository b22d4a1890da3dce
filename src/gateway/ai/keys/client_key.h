// client_key.h: who may call this gateway, and what for.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/ai/auth/digest.h"
#include "gateway/ai/auth/sigv4.h"
#include "gateway/ai/limits/rate_limit.h"

namespace nacelle::gateway::ai {

struct ClientKey {
  std::string id;                   // in usage, logs and limits; never the key itself
  std::string name;                 // for people
  Sha256 hash{};                    // of the key's text: the text is not kept
  std::vector<std::string> models;  // globs over client model names; empty = all
  std::vector<RateLimit> rate_limits;
  std::optional<WallTime> expires;
  bool disabled = false;
  std::map<std::string, std::string> metadata;

  [[nodiscard]] bool allows_model(std::string_view model) const;
};

}  // namespace nacelle::gateway::ai
