#include "apps/nacelle/kv_events_options.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

std::optional<std::string> nothing(const char*) { return std::nullopt; }

Result<engine::KvEventsConfig> read(const char* json) {
  return read_kv_events_config(nlohmann::json::parse(json), nothing);
}

TEST(KvEventsOptions, OffUnlessAskedFor) {
  EXPECT_FALSE(read_kv_events_config(nullptr, nothing)->enabled);
  EXPECT_FALSE(read(R"({"endpoint":"tcp://*:1"})")->enabled);
  EXPECT_FALSE(read(R"({"enable_kv_cache_events":true,"publisher":"null"})")->enabled);
}

TEST(KvEventsOptions, EveryKeyOfVllm) {
  const auto config =
      read(R"({"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:6000",
      "replay_endpoint":"tcp://*:6001","buffer_steps":7,"hwm":8,"max_queue_size":9,"topic":"kv@a@b",
      "event_form":"array"})");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_TRUE(config->enabled);
  EXPECT_EQ(config->endpoint, "tcp://*:6000");
  EXPECT_EQ(config->replay_endpoint, "tcp://*:6001");
  EXPECT_EQ(config->buffer_steps, 7u);
  EXPECT_EQ(config->hwm, 8u);
  EXPECT_EQ(config->max_queue_size, 9u);
  EXPECT_EQ(config->topic, "kv@a@b");
  EXPECT_EQ(config->form, kv_events::EventForm::kArray);
  EXPECT_EQ(config->hashes, kv_events::HashForm::kNumber);
  const auto bytes = read_kv_events_config(nlohmann::json::object(), [](const char* name) {
    return std::string_view(name) == "VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES"
               ? std::optional<std::string>("0")
               : std::nullopt;
  });
  EXPECT_EQ(bytes->hashes, kv_events::HashForm::kBytes);
}

TEST(KvEventsOptions, RefusesWithTheValueAndWhatIsAccepted) {
  const std::pair<const char*, const char*> rows[] = {
      {"[]", "expects a JSON object"},
      {R"({"enable_kv_cache_events":1})", "must be true or false, got 1"},
      {R"({"publisher":"kafka"})", "must be \"zmq\" or \"null\", got \"kafka\""},
      {R"({"hwm":0})", "hwm must be 1 to 2147483647, got 0"},
      {R"({"topic":7})", "topic must be a text, got 7"},
      {R"({"event_form":"xml"})", "must be \"map\" or \"array\""},
      {R"({"endpiont":"tcp://*:1"})", "unknown key 'endpiont'; there are"},
  };
  for (const auto& [json, message] : rows) {
    const auto config = read(json);
    ASSERT_FALSE(config.ok()) << json;
    EXPECT_NE(config.error().message().find(message), std::string::npos)
        << config.error().message();
  }
}

}  // namespace
}  // namespace nacelle::apps
