#include "model/quantization/module_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::model {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* pattern;
  const char* name;
  bool matches;
};

TEST(ModulePattern, MatchesFromTheBeginningAsPythonDoes) {
  const std::vector<Case> cases = {
      {".*lm_head", "model.lm_head", true},
      {"lm_head", "model.lm_head", false},
      {"model", "model.layers.0", true},
      {"model$", "model.layers.0", false},
      {"^model\\.layers\\.[0-3]\\.", "model.layers.2.mlp", true},
      {"^model\\.layers\\.[0-3]\\.", "model.layers.23.mlp", false},
      {"model.layers.(0|17).mlp.*", "model.layers.17.mlp.up_proj", true},
      {"model.layers.(0|17).mlp.*", "model.layers.1.mlp.up_proj", false},
      {".*self_attn\\.(q|k|v)_proj$", "model.layers.9.self_attn.v_proj", true},
      {".*self_attn\\.(q|k|v)_proj$", "model.layers.9.self_attn.o_proj", false},
      {"(?:a|bc)+d", "abcbcad", true},
      {"(?:a|bc)+d", "abcbd", false},
      {"\\w+\\.\\d{2,3}$", "layers.123", true},
      {"\\w+\\.\\d{2,3}$", "layers.1", false},
      {"\\w+\\.\\d{2,3}$", "layers.1234", false},
      {"a{2}$", "aa", true},
      {"a{2}$", "aaa", false},
      {"a{2,}$", "aaaaa", true},
      {"a?b", "b", true},
      {"a*?b", "aaab", true},
      {"[^.]+$", "lm_head", true},
      {"[^.]+$", "model.norm", false},
      {"[a\\-z]+$", "a-z", true},
      {"[]x]+$", "]x", true},
      {"x|", "anything", true},
      {"()*$", "", true},
      {"", "anything", true},
      {"a^b", "ab", false},
      {"\\S+\\s\\D", "up down", true},
  };
  for (const Case& c : cases) {
    const auto pattern = ModulePattern::parse(c.pattern);
    ASSERT_TRUE(pattern.ok()) << c.pattern << ": " << pattern.error().to_string();
    EXPECT_EQ(pattern->matches(c.name), c.matches) << c.pattern << " on " << c.name;
  }
}

TEST(ModulePattern, WhatItCannotReadIsRefusedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"(a", "a ( without )"},
      {"a)", "an unmatched )"},
      {"[a", "a [ without ]"},
      {"[z-a]", "a range that runs backwards"},
      {"*a", "nothing to repeat at character 1"},
      {"a**", "a repeated repetition"},
      {"a{3,2}", "runs backwards"},
      {"a{x}", "an unreadable {m,n}"},
      {"a\\", "a \\ at its end"},
      {"(?!a).*", "uses a (? group at character 3"},
      {"(a)\\1", "uses a \\ escape"},
      {"a{1000}", "too many repetitions"},
      {"((((a{200}){200}){200}){200})", "too many repetitions"},
      {std::string(40, '(') + std::string(40, ')'), "nested too deep"},
      {std::string(2000, 'a'), "has 2000 bytes, accepted: 1024"},
  };
  for (const auto& [pattern, message] : cases) {
    const auto parsed = ModulePattern::parse(pattern);
    ASSERT_FALSE(parsed.ok()) << pattern;
    EXPECT_THAT(parsed.error().message(), HasSubstr(message)) << pattern;
  }
}

// A backtracking matcher needs 2^60 steps for this; here each character costs the pattern once.
TEST(ModulePattern, HostilePatternsTakeNoMoreThanOthers) {
  const auto pattern = ModulePattern::parse("((a+)+)+$");
  ASSERT_TRUE(pattern.ok());
  EXPECT_FALSE(pattern->matches(std::string(60, 'a') + "b"));
  EXPECT_TRUE(pattern->matches(std::string(60, 'a')));
}

}  // namespace
}  // namespace nacelle::model
