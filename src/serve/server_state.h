// server_state.h: what all endpoints of one server share.
//
// Home:    immutable after start, but for the atomics and the metrics, which any loop may touch.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "openai/chat_request.h"
#include "serve/metrics/engine_metrics.h"
#include "serve/metrics/http_metrics.h"
#include "serve/server.h"
#include "serve/server_config.h"
#include "telemetry/metrics.h"

namespace nacelle::serve {

struct ServerState {
  ServerState(ServerConfig server_config, ServerParts server_parts);

  const ServerConfig config;
  const ServerParts parts;
  const std::size_t longest_token;  // bytes; bounds how few tokens a text can be

  telemetry::Metrics metrics;
  EngineMetrics engine_metrics;
  HttpMetrics http_metrics;

  std::atomic<std::int64_t> load{0};  // generation calls in flight, when tracked
  std::atomic<bool> draining{false};

  [[nodiscard]] openai::SamplingLimits sampling_limits() const {
    return {.max_n = config.max_n, .max_logprobs = config.max_logprobs};
  }
  [[nodiscard]] openai::ChatPolicy chat_policy() const {
    return {.trust_request_chat_template = config.trust_request_chat_template,
            .enable_auto_tool_choice = config.enable_auto_tool_choice};
  }
  // nullopt when the request names no model or one that is served.
  [[nodiscard]] openai::Check check_model(const std::optional<std::string>& model) const;
};

}  // namespace nacelle::serve
