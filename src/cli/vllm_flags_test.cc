#include "cli/vllm_flags.h"

#include <gtest/gtest.h>

#include <set>

#include "cli/flags/flag_parser.h"

namespace nacelle::cli {
namespace {

TEST(VllmFlags, NamesAreUnique) {
  std::set<std::string_view> seen;
  for (const FlagSpec& spec : vllm_serve_flags()) {
    EXPECT_TRUE(seen.insert(spec.name).second) << spec.name;
    if (!spec.short_name.empty()) {
      EXPECT_TRUE(seen.insert(spec.short_name).second) << spec.short_name;
    }
  }
}

TEST(VllmFlags, EveryFlagParsesWithAPlausibleValue) {
  for (const FlagSpec& spec : vllm_serve_flags()) {
    std::vector<std::string> args = {"--" + std::string(spec.name)};
    switch (spec.kind) {
      case FlagKind::kBool:
        break;
      case FlagKind::kInt:
      case FlagKind::kHumanInt:
        args.push_back("4");
        break;
      case FlagKind::kFloat:
        args.push_back("0.5");
        break;
      case FlagKind::kJson:
        args.push_back(R"({"a": 1})");
        break;
      case FlagKind::kString:
      case FlagKind::kList:
        args.push_back(spec.choices.empty()
                           ? "value"
                           : std::string(spec.choices.substr(0, spec.choices.find('|'))));
    }
    if (spec.name == "config") continue;  // reads a file: flag_parser_test
    auto values = FlagParser(vllm_serve_flags()).parse(args);
    EXPECT_TRUE(values) << args[0] << ": " << values.error().message();
  }
}

TEST(VllmFlags, TakesAKServeCommandLine) {
  auto values = FlagParser(vllm_serve_flags())
                    .parse({"/mnt/models",
                            "--served-model-name",
                            "llama",
                            "publishers/ns/models/llama",
                            "--port",
                            "8000",
                            "--tensor-parallel-size",
                            "1",
                            "--enable-ssl-refresh",
                            "--ssl-certfile",
                            "/var/run/kserve/tls/tls.crt",
                            "--ssl-keyfile",
                            "/var/run/kserve/tls/tls.key",
                            "--disable-access-log-for-endpoints",
                            "/health,/metrics,/ping",
                            "--shutdown-timeout",
                            "45",
                            "--api-server-count",
                            "8",
                            "--enable-expert-parallel",
                            "--data-parallel-size",
                            "8",
                            "--data-parallel-size-local",
                            "8",
                            "--data-parallel-address",
                            "10.0.0.1",
                            "--data-parallel-rpc-port",
                            "5555",
                            "--data-parallel-start-rank",
                            "0"});
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_EQ(values->positional, std::vector<std::string>{"/mnt/models"});
  EXPECT_EQ(values->list("served-model-name").size(), 2u);
  EXPECT_EQ(values->real("shutdown-timeout", 0), 45);
}

}  // namespace
}  // namespace nacelle::cli
