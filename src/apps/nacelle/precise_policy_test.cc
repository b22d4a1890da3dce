#include "apps/nacelle/precise_policy.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "router/config/router_setup.h"
#include "router/precise_prefix.h"
#include "router/producer/prefix_producer.h"

namespace nacelle::apps {
namespace {

PrecisePolicy two_engines() {
  return {.model = "/models/a \"b\": c",
          .chat_template = "",
          .block_size_tokens = 32,
          .engines = {{"127.0.0.1:1", "ipc:///x/0", "ipc:///x/0r"},
                      {"127.0.0.1:2", "ipc:///x/1", "ipc:///x/1r"}}};
}

TEST(PrecisePolicy, IsAConfigurationThatTheRouterReads) {
  auto setup = router::load_router_setup(config_text(two_engines()), "precise");
  ASSERT_TRUE(setup.has_value()) << setup.error().message();
  EXPECT_TRUE(router::wants_precise(*setup));
  EXPECT_EQ(setup->tokens.model_path, "/models/a \"b\": c");
  const router::PrecisePrefixConfig* config = nullptr;
  for (const auto& plugin : setup->schedule.plugins) {
    auto* producer = dynamic_cast<router::PrefixProducer*>(plugin.get());
    if (producer != nullptr && producer->precise() != nullptr)
      config = &producer->precise()->config();
  }
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->block_size_tokens, 32u);
  ASSERT_EQ(config->publishers.size(), 2u);
  EXPECT_EQ(config->publishers[1].endpoint, "127.0.0.1:2");
  EXPECT_EQ(config->publishers[1].replay, "ipc:///x/1r");
  // What the tokens of a request are worth goes by the same matches.
  ASSERT_LT(setup->schedule.reservation.prefix_source, setup->schedule.prefix_sources.size());
  EXPECT_EQ(setup->schedule.prefix_sources[setup->schedule.reservation.prefix_source],
            "precise-prefix-cache-producer");
}

TEST(PrecisePolicy, EnginesPublishWhereTheRouterListens) {
  const auto flag = nlohmann::json::parse(kv_events_flag(two_engines().engines[0], "demo"));
  EXPECT_EQ(flag["endpoint"], "ipc:///x/0");
  EXPECT_EQ(flag["replay_endpoint"], "ipc:///x/0r");
  EXPECT_EQ(flag["topic"], "kv@127.0.0.1:1@demo");
  EXPECT_EQ(flag["enable_kv_cache_events"], true);
}

TEST(PrecisePolicy, FlagsOfEnginesAreFound) {
  const std::vector<std::string> args = {"--block_size", "32", "--chat-template=x.jinja", "--seed"};
  EXPECT_EQ(flag_value(args, "--block-size"), "32");
  EXPECT_EQ(flag_value(args, "--chat-template"), "x.jinja");
  EXPECT_EQ(flag_value(args, "--seed"), "");
  EXPECT_EQ(flag_value(args, "--model"), "");
}

}  // namespace
}  // namespace nacelle::apps
