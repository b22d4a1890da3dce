#include "gateway/ai/limits/cost_expression.h"

#include <gtest/gtest.h>

#include <random>

namespace nacelle::gateway::ai {
namespace {

CostInputs inputs() {
  CostInputs in{.model = "big", .backend = "ns/b", .route_name = "ns/r"};
  in.usage = {.reported = true,
              .input = 100,
              .cached_input = 40,
              .cache_creation = 10,
              .output = 7,
              .reasoning = 3};
  return in;
}

TEST(CostExpression, Values) {
  struct Row {
    const char* text;
    std::uint64_t value;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"total_tokens", 107},
           {"input_tokens - cached_input_tokens + output_tokens * 4u", 88},
           {"(input_tokens + 1u) / 2u % 7u", 1},
           {"model == 'big' ? input_tokens * 10u : input_tokens", 1000},
           {"model == \"small\" || route_name != 'ns/r' ? 1 : 2", 2},
           {"!(output_tokens > 5u) ? 1 : backend == 'ns/b' && true ? 3 : 4", 3},
           {"min(output_tokens, 5u) + max(reasoning_tokens, cache_creation_input_tokens)", 15},
           {"int(output_tokens) - -3", 10},
           {"uint(2 + 3 * 4)", 14},
           {"10 - 4 - 3", 3},
           {"7", 7},
       }) {
    const auto compiled = CostExpression::compile(row.text);
    ASSERT_TRUE(compiled.ok()) << row.text << ": " << compiled.status().to_string();
    const auto value = compiled->evaluate(inputs());
    ASSERT_TRUE(value.ok()) << row.text;
    EXPECT_EQ(*value, row.value) << row.text;
  }
}

TEST(CostExpression, RefusedAtConfigTime) {
  struct Row {
    const char* text;
    const char* message;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "column 1: the expression ends too early"},
           {"input_tokens * 2", "'*' does not take uint and int; write 2u"},
           {"input_tokens * 0.5", "doubles are not supported"},
           {"model", "a cost is an int or uint, this is a string"},
           {"total_tokens > 3u", "this is a bool"},
           {"tokens", "unknown name 'tokens'"},
           {"1 ? 2 : 3", "the condition of ?: is a int, not a bool"},
           {"true ? 2 : 3u", "?: has a int and a uint"},
           {"(1", "expected ')'"},
           {"1 1", "unexpected '1'"},
           {"'a", "the string has no end"},
           {"99999999999999999999", "does not fit"},
           {"1 / 0", "with all counts zero: the cost divides by zero"},
           {"1u / input_tokens", "with all counts zero"},
           {"-1", "below 0"},
           {"1u - 2u", "does not fit into 64 bits"},
           {"model + 'x'", "'+' does not take string and string"},
           {"-input_tokens", "'-' takes an int"},
       }) {
    const auto compiled = CostExpression::compile(row.text);
    ASSERT_FALSE(compiled.ok()) << row.text;
    EXPECT_NE(compiled.status().message().find(row.message), std::string::npos)
        << row.text << ": " << compiled.status().message();
  }
  const std::string deep = std::string(200, '(') + "1" + std::string(200, ')');
  EXPECT_FALSE(CostExpression::compile(deep).ok());
  EXPECT_FALSE(CostExpression::compile(std::string(5000, ' ')).ok());
  std::string wide = "1";
  for (int i = 0; i < 600; ++i) wide += "+1";
  EXPECT_FALSE(CostExpression::compile(wide).ok());
}

TEST(CostExpression, OverflowIsAnErrorNotAWrap) {
  CostInputs in;
  in.usage.input = UINT64_MAX / 2 + 1;
  const auto doubled = CostExpression::compile("input_tokens * 2u");
  ASSERT_TRUE(doubled.ok());
  EXPECT_EQ(doubled->evaluate(in).status().code(), Code::kOutOfRange);
  const auto as_int = CostExpression::compile("int(input_tokens)");
  EXPECT_EQ(as_int->evaluate(in).status().code(), Code::kOutOfRange);
}

// Random trees of uint arithmetic against the same tree in 128 bits.
TEST(CostExpression, AgreesWithWideArithmetic) {
  std::mt19937_64 random(20261129);
  struct Made {
    std::string text;
    std::optional<unsigned __int128> value;
  };
  const std::function<Made(int)> make = [&](int depth) -> Made {
    if (depth == 0 || random() % 4 == 0) {
      if (random() % 2 == 0) return {"input_tokens", 100};
      const std::uint64_t value = random() % 1000;
      return {std::to_string(value) + "u", value};
    }
    const Made a = make(depth - 1);
    const Made b = make(depth - 1);
    const char op = "+-*/%"[random() % 5];
    Made out{"(" + a.text + " " + op + " " + b.text + ")", std::nullopt};
    if (!a.value || !b.value) return out;
    constexpr unsigned __int128 kMax = UINT64_MAX;
    if (op == '+' && *a.value + *b.value <= kMax) out.value = *a.value + *b.value;
    if (op == '-' && *a.value >= *b.value) out.value = *a.value - *b.value;
    if (op == '*' && *a.value * *b.value <= kMax) out.value = *a.value * *b.value;
    if (op == '/' && *b.value != 0) out.value = *a.value / *b.value;
    if (op == '%' && *b.value != 0) out.value = *a.value % *b.value;
    return out;
  };
  int compared = 0;
  for (int i = 0; i < 3000; ++i) {
    const Made made = make(4);
    const auto compiled = CostExpression::compile(made.text);
    if (!compiled.ok()) continue;  // fails with zeros
    const auto value = compiled->evaluate(inputs());
    ASSERT_EQ(value.ok(), made.value.has_value()) << made.text;
    if (!value.ok()) continue;
    ASSERT_TRUE(*made.value == *value) << made.text;
    ++compared;
  }
  EXPECT_GT(compared, 500);
}

}  // namespace
}  // namespace nacelle::gateway::ai
