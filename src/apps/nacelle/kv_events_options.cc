#include "apps/nacelle/kv_events_options.h"

namespace nacelle::apps {
namespace {

Status wrong(const std::string& key, const nlohmann::json& value, std::string_view accepted) {
  return invalid_argument("--kv-events-config: {} must be {}, got {}", key, accepted, value.dump());
}

Status read_count(const std::string& key, const nlohmann::json& value, std::uint32_t& out) {
  const bool fits = value.is_number_integer() && value >= 1 && value <= INT32_MAX;
  if (!fits) return wrong(key, value, "1 to 2147483647");
  out = value.get<std::uint32_t>();
  return {};
}

Status read_text(const std::string& key, const nlohmann::json& value, std::string& out) {
  if (!value.is_string()) return wrong(key, value, "a text");
  out = value.get<std::string>();
  return {};
}

Status read_publisher(const nlohmann::json& value, bool& null_publisher) {
  if (value != "zmq" && value != "null") return wrong("publisher", value, "\"zmq\" or \"null\"");
  null_publisher = value == "null";
  return {};
}

Status read_key(const std::string& key, const nlohmann::json& value, bool& null_publisher,
                engine::KvEventsConfig& config) {
  if (key == "enable_kv_cache_events") {
    if (!value.is_boolean()) return wrong(key, value, "true or false");
    config.enabled = value.get<bool>();
    return {};
  }
  if (value.is_null()) return {};  // as if it were not there
  if (key == "publisher") return read_publisher(value, null_publisher);
  if (key == "endpoint") return read_text(key, value, config.endpoint);
  if (key == "replay_endpoint") return read_text(key, value, config.replay_endpoint);
  if (key == "topic") return read_text(key, value, config.topic);
  if (key == "buffer_steps") return read_count(key, value, config.buffer_steps);
  if (key == "hwm") return read_count(key, value, config.hwm);
  if (key == "max_queue_size") return read_count(key, value, config.max_queue_size);
  if (key == "event_form") {
    if (value != "map" && value != "array") return wrong(key, value, "\"map\" or \"array\"");
    config.form = value == "map" ? kv_events::EventForm::kMap : kv_events::EventForm::kArray;
    return {};
  }
  return invalid_argument(
      "--kv-events-config: unknown key '{}'; there are enable_kv_cache_events, publisher, "
      "endpoint, "
      "replay_endpoint, buffer_steps, hwm, max_queue_size, topic, event_form",
      key);
}

}  // namespace

Result<engine::KvEventsConfig> read_kv_events_config(
    const nlohmann::json& json,
    const std::function<std::optional<std::string>(const char*)>& environment) {
  engine::KvEventsConfig config;
  if (json.is_null()) return config;
  if (!json.is_object()) return invalid_argument("--kv-events-config expects a JSON object");
  bool null_publisher = false;
  for (const auto& [key, value] : json.items()) {
    RETURN_IF_ERROR(read_key(key, value, null_publisher, config));
  }
  if (null_publisher) config.enabled = false;
  if (environment("VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES").value_or("1") == "0") {
    config.hashes = kv_events::HashForm::kBytes;
  }
  return config;
}

}  // namespace nacelle::apps
