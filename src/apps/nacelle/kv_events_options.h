// kv_events_options.h: the JSON of --kv-events-config.
//
// {"enable_kv_cache_events": true, "endpoint": "tcp://*:5557", "replay_endpoint": "tcp://*:5558",
//  "topic": "kv@10.0.0.7:8000@my-model"}. The keys are vLLM's, and `event_form` ("map" or "array").
//
// Errors:  invalid_argument naming the key, its value and what is accepted.
// Source:  engine.md section 24.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/engine.h"

namespace nacelle::apps {

// `json` is null when the flag was not given. VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES=0 publishes whole
// digests.
[[nodiscard]] Result<engine::KvEventsConfig> read_kv_events_config(
    const nlohmann::json& json,
    const std::function<std::optional<std::string>(const char*)>& environment);

}  // namespace nacelle::apps
