#include "router/config/config_node.h"

#include <gtest/gtest.h>

namespace nacelle::router {
namespace {

TEST(ConfigNode, ReadsYamlAndJsonAlike) {
  for (const char* text : {"a: [1, {b: x}]", R"({"a": [1, {"b": "x"}]})"}) {
    const auto node = parse_config_text(text);
    ASSERT_TRUE(node) << text;
    EXPECT_EQ(node->find("a")->items[0].text, "1");
    EXPECT_EQ(node->find("a")->items[1].find("b")->text, "x");
  }
  EXPECT_TRUE(parse_config_text("")->is_null());
  EXPECT_TRUE(parse_config_text("# nothing")->is_null());
}

TEST(ConfigNode, RefusesWhatWouldBeAmbiguousOrUnbounded) {
  EXPECT_EQ(parse_config_text("a: 1\nb: 2\na: 3").error().message(),
            "line 3: key 'a' occurs twice");
  EXPECT_FALSE(parse_config_text("a: [1"));
  EXPECT_FALSE(parse_config_text(std::string(kMaxConfigBytes + 1, ' ')));
  EXPECT_FALSE(parse_config_text(std::string(200, '[') + std::string(200, ']')));
  // Each level doubles the one before: 2^40 values out of 40 lines.
  std::string laughs = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
              std::to_string(i - 1) + ", *a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_FALSE(parse_config_text(laughs));
}

}  // namespace
}  // namespace nacelle::router
