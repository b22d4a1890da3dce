#include "chat_template/syntax/parser.h"

#include <gtest/gtest.h>

#include "chat_template/syntax/content_format.h"

namespace nacelle::chat_template {
namespace {

std::string error_of(std::string_view source) {
  const auto ast = parse_template(source);
  return ast.has_value() ? "parsed" : ast.error().message();
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Parser, ErrorsNameTheLineAndTheReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"\n{% if x %}", "line 2: Unexpected end of template. 'endif' was expected."},
      {"{% endfor %}", "line 1: Encountered unknown tag 'endfor'."},
      {"{% wat %}", "line 1: Encountered unknown tag 'wat'."},
      {"\n\n{{ 1 + }}", "line 3: unexpected 'end of print statement'"},
      {"{% include 'x' %}", "line 1: the tag 'include' is not supported in chat templates"},
      {"{% extends 'x' %}", "line 1: the tag 'extends' is not supported in chat templates"},
      {"{% import 'x' as y %}", "line 1: the tag 'import' is not supported in chat templates"},
      {"{{ x|nope }}", "line 1: No filter named 'nope'."},
      {"{{ x is nope }}", "line 1: No test named 'nope'."},
      {"{% break %}", "line 1: 'break' outside loop"},
      {"{% set x.y %}{% endset %}{% set 5 = 1 %}", "line 1: can't assign to this expression"},
      {"{% macro f(a, a) %}{% endmacro %}", "line 1: the parameter 'a' is repeated"},
      {"\xff", "the chat template is not UTF-8"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(error_of(source), message) << source;
}

TEST(Parser, UnknownFiltersInsideIfAreLeftForRendering) {
  EXPECT_EQ(error_of("{% if a %}{{ x|nope }}{% endif %}"), "parsed");
  EXPECT_EQ(error_of("{{ (x|nope) if a else b }}"), "parsed");
  EXPECT_EQ(error_of("{% if a %}{% for i in x %}{{ i|nope }}{% endfor %}{% endif %}"),
            "line 1: No filter named 'nope'.");
}

TEST(Parser, DeepNestingIsAnErrorAndNoCrash) {
  constexpr int kDeep = 100'000;
  const std::string sources[] = {
      "{{ " + repeated("(", kDeep) + "1" + repeated(")", kDeep) + " }}",
      "{{ " + repeated("[", kDeep) + repeated("]", kDeep) + " }}",
      "{{ " + repeated("{'a':", kDeep) + "1" + repeated("}", kDeep) + " }}",
      "{{ " + repeated("-", kDeep) + "1 }}",
      "{{ " + repeated("not ", kDeep) + "1 }}",
      "{{ 1" + repeated(" + 1", kDeep) + " }}",
      "{{ 1" + repeated(" and 1", kDeep) + " }}",
      "{{ x" + repeated(".a", kDeep) + " }}",
      "{{ x" + repeated("|e", kDeep) + " }}",
      "{{ x" + repeated("()", kDeep) + " }}",
      "{{ 1" + repeated(" if 1 else 1", kDeep) + " }}",
      repeated("{% if 1 %}", kDeep / 2),
      repeated("{% for a in b %}", kDeep / 2),
      "{% for " + repeated("(", kDeep) + "a" + repeated(")", kDeep) + " in b %}{% endfor %}",
      "{% set x" + repeated("|e", kDeep) + " %}{% endset %}",
  };
  for (const std::string& source : sources) {
    const auto ast = parse_template(source);
    EXPECT_FALSE(ast.has_value()) << source.substr(0, 40);
  }
}

TEST(Parser, LongFlatTemplatesParse) {
  EXPECT_EQ(error_of("{{ 1" + repeated(" ~ 1", 50'000) + " }}"), "parsed");
  EXPECT_EQ(error_of("{{ [" + repeated("1,", 50'000) + "] }}"), "parsed");
  EXPECT_EQ(error_of("{% if 0 %}" + repeated("{% elif 0 %}", 50'000) + "{% endif %}"), "parsed");
  EXPECT_EQ(error_of(repeated("{{ a }}", 50'000)), "parsed");
}

TEST(Parser, TemplatesHaveASizeLimit) {
  EXPECT_EQ(error_of(std::string(kMaxTemplateBytes, 'a')), "parsed");
  const auto ast = parse_template(std::string(kMaxTemplateBytes + 1, 'a'));
  ASSERT_FALSE(ast.has_value());
  EXPECT_EQ(ast.error().code(), Code::kOutOfRange);
}

TEST(ContentFormat, LoopsOverContentAreFound) {
  const std::pair<const char*, bool> cases[] = {
      {"{% for m in messages %}{% for c in m.content %}{% endfor %}{% endfor %}", true},
      {"{% for m in messages %}{% for c in m['content'] %}{% endfor %}{% endfor %}", true},
      {"{% for m in messages[1:] %}{% for c in m.content|list %}{% endfor %}{% endfor %}", true},
      {"{% set ms = messages[1:] %}{% set l = ms|list %}{% for m in l %}{% for c in m.content if c "
       "%}"
       "{% endfor %}{% endfor %}",
       true},
      {"{% for m in messages %}{% if m.content is not string %}{% for c in m['content'] %}"
       "{% endfor %}{% endif %}{% endfor %}",
       true},
      {"{% for m in messages %}{{ m.content }}{% endfor %}", false},
      {"{% for m in messages %}{% for c in m.tool_calls %}{% endfor %}{% endfor %}", false},
      {"{% for m in other %}{% for c in m.content %}{% endfor %}{% endfor %}", false},
      {"{% for c in messages[0].content %}{% endfor %}", false},
      {"", false},
  };
  for (const auto& [source, expected] : cases) {
    const auto ast = parse_template(source);
    ASSERT_TRUE(ast.has_value()) << ast.error().message();
    EXPECT_EQ(loops_over_content(**ast), expected) << source;
  }
}

}  // namespace
}  // namespace nacelle::chat_template
