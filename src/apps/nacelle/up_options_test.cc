#include "apps/nacelle/up_options.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

TEST(UpOptions, AFileFillsThemIn) {
  UpOptions options;
  const Status applied = apply_up_file(R"(
model: /models/x
engines: 3
port: 9000
devices: ["nvidia.com/gpu=1:80Gi"]
policy: random
engine_args: [--max-model-len, "2048"]
)",
                                       options);
  ASSERT_TRUE(applied.ok()) << applied.message();
  EXPECT_EQ(options.model, "/models/x");
  EXPECT_EQ(options.engines, 3u);
  EXPECT_EQ(options.port, 9000);
  EXPECT_EQ(options.devices, std::vector<std::string>{"nvidia.com/gpu=1:80Gi"});
  EXPECT_EQ(options.policy, "random");
  EXPECT_EQ(options.engine_args, (std::vector<std::string>{"--max-model-len", "2048"}));
  EXPECT_EQ(options.host, "127.0.0.1");  // untouched
}

TEST(UpOptions, WrongFilesNameEveryKey) {
  UpOptions options;
  const Status applied = apply_up_file("engines: many\nport: 70000\nmodle: x\n", options);
  ASSERT_FALSE(applied.ok());
  for (const char* part :
       {"engines: wrong kind of value", "port: wrong kind of value", "modle: unknown field"}) {
    EXPECT_NE(applied.message().find(part), std::string::npos) << applied.message();
  }
  for (const char* text : {"[1]", "a: [", "7"})
    EXPECT_FALSE(apply_up_file(text, options).ok()) << text;
}

}  // namespace
}  // namespace nacelle::apps
