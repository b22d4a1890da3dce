#include "router/endpoint.h"

namespace nacelle::router {

const std::string* EndpointSnapshot::label(std::string_view key) const {
  if (labels == nullptr) return nullptr;
  for (const auto& [name, value] : *labels) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::optional<double> EndpointSnapshot::attribute(std::string_view key) const {
  if (metrics.known) {
    if (key == "WaitingQueueSize") return metrics.waiting_requests;
    if (key == "RunningRequestsSize") return metrics.running_requests;
    if (key == "KVCacheUsagePercent") return metrics.kv_usage;
    if (key == "CacheBlockSize") return metrics.block_size_tokens;
    if (key == "CacheNumBlocks") return metrics.num_blocks;
    if (key == "KvCacheMaxTokenCapacity") {
      return static_cast<double>(metrics.block_size_tokens) * metrics.num_blocks;
    }
  }
  if (key == "MaxActiveModels" && lora != nullptr) return lora->max_active;
  if (attributes == nullptr) return std::nullopt;
  for (const auto& [name, value] : *attributes) {
    if (name == key) return value;
  }
  return std::nullopt;
}

}  // namespace nacelle::router
