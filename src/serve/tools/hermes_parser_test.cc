#include "serve/tools/hermes_parser.h"

#include <random>

#include <gtest/gtest.h>

namespace nacelle::serve {
namespace {

std::string id() { return "id"; }

struct Joined {
  std::string content;
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
};

// Feeds the text in pieces of the given sizes and joins what comes out, as a client does.
Joined stream(std::string_view text, const std::function<std::size_t()>& next_size) {
  HermesParser parser(&id);
  Joined out;
  const auto take = [&](ToolText piece) {
    out.content += piece.content;
    for (const auto& call : piece.calls) {
      if (call.name) {
        EXPECT_EQ(call.index, static_cast<std::int64_t>(out.calls.size()));
        out.calls.emplace_back(*call.name, "");
      }
      ASSERT_LT(static_cast<std::size_t>(call.index), out.calls.size());
      out.calls[call.index].second += call.arguments.value_or("");
    }
  };
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), next_size());
    take(parser.feed(text.substr(0, size)));
    text.remove_prefix(size);
  }
  take(parser.finish());
  return out;
}

struct Row {
  const char* name;
  const char* text;
  const char* content;
  std::vector<std::pair<std::string, std::string>> calls;
};

const Row kRows[] = {
    {"no call", "just <b>text</b> with < and <tool", "just <b>text</b> with < and <tool", {}},
    {"one call",
     "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":1,\"b\":[true,null]}}\n"
     "</tool_call>",
     "Let me see.\n",
     {{"f", R"({"a": 1, "b": [true, null]})"}}},
    {"two calls",
     R"(<tool_call>{"name":"f","arguments":{}}</tool_call> and <tool_call>{"name":"g",)"
     R"("parameters":{"x":"y"}}</tool_call>)",
     "",
     {{"f", "{}"}, {"g", R"({"x": "y"})"}}},
    {"arguments before the name",
     R"(<tool_call>{"arguments":{"a":[1.50,-2e3]},"name":"f"}</tool_call>)",
     "",
     {{"f", R"({"a": [1.50, -2e3]})"}}},
    {"no end tag", R"(<tool_call>{"name":"f","arguments":{"a":1}})", "", {{"f", R"({"a": 1})"}}},
    {"escapes that JSON does not need are undone",
     R"(<tool_call>{"name":"f\u00e9","arguments":{"a\/b":"\u20ac \ud83d\ude00 \n\"\\\u0001"}})",
     "",
     {{"f\u00e9", "{\"a/b\": \"\u20ac \U0001F600 \\n\\\"\\\\\\u0001\"}"}}},
    {"tags inside strings are text",
     R"(<tool_call>{"name":"f","arguments":{"a":"</tool_call><tool_call>{}"}}</tool_call>)",
     "",
     {{"f", R"({"a": "</tool_call><tool_call>{}"})"}}},
    {"other members are ignored",
     R"(<tool_call>{"id":{"x":[1]},"name":"f","n":12,"arguments":{"a":1},"z":"}"}</tool_call>)",
     "",
     {{"f", R"({"a": 1})"}}},
    {"not JSON", "<tool_call>oops</tool_call>", "<tool_call>oops</tool_call>", {}},
    {"no name",
     R"(<tool_call>{"arguments":{}}</tool_call>)",
     R"(<tool_call>{"arguments":{}}</tool_call>)",
     {}},
    {"cut off before the name", R"(hm <tool_call>{"na)", R"(hm <tool_call>{"na)", {}},
};

TEST(HermesParser, WholeTexts) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const ParsedTools parsed = parse_hermes(row.text, &id);
    EXPECT_EQ(parsed.content, row.content);
    ASSERT_EQ(parsed.calls.size(), row.calls.size());
    for (std::size_t i = 0; i < row.calls.size(); ++i) {
      EXPECT_EQ(parsed.calls[i].name, row.calls[i].first);
      EXPECT_EQ(parsed.calls[i].arguments, row.calls[i].second);
      EXPECT_EQ(parsed.calls[i].id, "id");
    }
  }
}

TEST(HermesParser, StreamsAddUpToTheSameAtAnyBorders) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
      std::mt19937 random(seed);
      const auto size = [&] { return seed == 0 ? 1 : 1 + random() % 9; };
      const Joined out = stream(row.text, size);
      ASSERT_EQ(out.content, row.content) << seed;
      ASSERT_EQ(out.calls, row.calls) << seed;
    }
  }
}

TEST(HermesParser, TheNameGoesOutBeforeTheArgumentsAreThere) {
  HermesParser parser(&id);
  const ToolText first = parser.feed(R"(<tool_call>{"name": "f", "arguments": {"city": "Par)");
  ASSERT_EQ(first.calls.size(), 1u);
  EXPECT_EQ(first.calls[0].name, "f");
  EXPECT_EQ(first.calls[0].arguments, R"({"city": "Par)");
  const ToolText second = parser.feed("is\"}}");
  ASSERT_EQ(second.calls.size(), 1u);
  EXPECT_EQ(second.calls[0].arguments, "is\"}");
  EXPECT_FALSE(second.calls[0].name.has_value());
}

TEST(HermesParser, CutOffArgumentsMakeAWholeTextContent) {
  const char* text = R"(<tool_call>{"name":"f","arguments":{"a":)";
  EXPECT_EQ(parse_hermes(text, &id).content, text);
  EXPECT_TRUE(parse_hermes(text, &id).calls.empty());
  EXPECT_EQ(stream(text, [] { return std::size_t{3}; }).calls.size(), 1u);
}

TEST(HermesParser, DeepArgumentsAreMalformedNotARecursion) {
  const std::string deep = R"(<tool_call>{"name":"f","arguments":)" + std::string(100000, '[');
  EXPECT_TRUE(parse_hermes(deep, &id).calls.empty());
}

}  // namespace
}  // namespace nacelle::serve
