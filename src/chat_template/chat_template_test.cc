#include "chat_template/chat_template.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace nacelle::chat_template {
namespace {

using Json = nlohmann::ordered_json;

std::string render(std::string_view source, const Json& variables = Json::object()) {
  const auto chat_template = ChatTemplate::parse(source);
  if (!chat_template.has_value()) return chat_template.error().to_string();
  const auto text = (*chat_template)->render(variables, {});
  return text.has_value() ? *text : text.error().to_string();
}

TEST(ChatTemplate, RaiseExceptionGivesExactlyItsMessage) {
  EXPECT_EQ(render("{% macro f() %}{{ raise_exception('No: é \"x\"') }}{% endmacro %}\n{{ f() }}"),
            "invalid_argument: No: é \"x\"");
}

TEST(ChatTemplate, MistakesNameTheLineAndTheCause) {
  const std::pair<const char*, const char*> cases[] = {
      {"\n{{ a.b }}", "invalid_argument: chat template, line 2: 'a' is undefined"},
      {"{{ m.b.c }}",
       "invalid_argument: chat template, line 1: 'dict object' has no attribute or element 'b'"},
      {"{% if 1 %}\n{{ 1 + 'a' }}{% endif %}",
       "invalid_argument: chat template, line 2: unsupported operand types for +: 'int' and 'str'"},
      {"{{ [].append(1) }}",
       "invalid_argument: chat template, line 1: access to attribute 'append' of 'list' object is "
       "unsafe."},
      {"{{ 1 / 0 }}", "invalid_argument: chat template, line 1: division by zero"},
  };
  for (const auto& [source, message] : cases) {
    EXPECT_EQ(render(source, {{"m", Json::object()}}), message) << source;
  }
}

TEST(ChatTemplate, VariablesMustBeAnObject) {
  EXPECT_EQ(render("a", Json::array()),
            "invalid_argument: the template variables are no JSON object");
}

TEST(ChatTemplate, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(render("{{ x }}", {{"x", "\xff"}}),
            "invalid_argument: the input has text that is not UTF-8");
}

TEST(ChatTemplate, LargeUnsignedNumbersKeepTheirDigits) {
  EXPECT_EQ(render("{{ x|tojson }}", {{"x", 18446744073709551615u}}), "18446744073709551615");
}

TEST(ChatTemplate, TimeIsTheOnePassedIn) {
  using namespace std::chrono;
  const auto chat_template = *ChatTemplate::parse("{{ strftime_now('%d %B %Y, %H:%M') }}");
  RenderOptions options;
  options.now = local_days(2024y / February / 29) + 23h + 59min;
  EXPECT_EQ(*chat_template->render(Json::object(), options), "29 February 2024, 23:59");
  options.now = local_days(1999y / December / 31);
  EXPECT_EQ(*chat_template->render(Json::object(), options), "31 December 1999, 00:00");
}

TEST(ChatTemplate, ManyThreadsRenderOneTemplate) {
  const auto chat_template = *ChatTemplate::parse(
      "{% set ns = namespace(t='') %}{% for m in messages %}{% set ns.t = ns.t ~ m.content|upper %}"
      "{% endfor %}{{ ns.t }}{{ 'constant' }}");
  std::vector<std::thread> threads;
  std::vector<std::string> results(4);
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      const Json variables = {{"messages", Json::array({{{"content", std::to_string(i) + "a"}}})}};
      for (int round = 0; round < 50; ++round) {
        results[i] = chat_template->render(variables, {}).value();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i], std::to_string(i) + "Aconstant");
  }
}

}  // namespace
}  // namespace nacelle::chat_template
