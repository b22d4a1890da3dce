// limits_test.cc: templates that would use up the machine end with a clear error.
#include <gtest/gtest.h>

#include "chat_template/chat_template.h"

namespace nacelle::chat_template {
namespace {

using Json = nlohmann::ordered_json;

Status status_of(std::string_view source, const Json& variables = Json::object(),
                 const RenderLimits& limits = {}) {
  const auto chat_template = ChatTemplate::parse(source);
  if (!chat_template.has_value()) return chat_template.error();
  RenderOptions options;
  options.limits = limits;
  return (*chat_template)->render(variables, options).status();
}

// Smaller than the defaults, so that the tests are quick under sanitizers too.
RenderLimits small() {
  RenderLimits limits;
  limits.max_steps = 200'000;
  limits.max_output_bytes = 1 << 20;
  limits.max_memory_bytes = 8 << 20;
  return limits;
}

struct Case {
  const char* says;
  const char* source;
};

TEST(Limits, RunawayTemplatesEndWithOutOfRange) {
  const Case cases[] = {
      {"nested loops",
       "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"},
      {"nested loops that write",
       "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxxxxxxxx{% endfor %}{% "
       "endfor %}"},
      {"a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"macros that call each other",
       "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"},
      {"a macro that calls itself twice",
       "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(150) }}"},
      {"a recursive loop without end",
       "{% set x = namespace(y=[]) %}{% set x.y = [1] %}{% for a in x.y recursive %}{{ loop(x.y) }}"
       "{% endfor %}"},
      {"a call block inside itself",
       "{% macro f() %}{% call f() %}{% endcall %}{{ caller }}{% endmacro %}{{ f() }}"},
      {"a range of a billion", "{% for i in range(1000000000) %}{% endfor %}"},
      {"a range with a huge bound", "{{ range(10 ** 30) }}"},
      {"text times a billion", "{{ 'a' * 10**9 }}"},
      {"text times a huge number", "{{ 'ab' * 10**30 }}"},
      {"a list times a billion", "{{ [1] * 10**9 }}"},
      {"a tuple times a billion", "{{ 10**9 * (1, 2) }}"},
      {"integers that grow", "{{ 10 ** 100 }}"},
      {"integers that grow by multiplying",
       "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}"},
      {"text that doubles",
       "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor "
       "%}"},
      {"lists that double",
       "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor "
       "%}"},
      {"joined text that doubles",
       "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = [n.x, n.x]|join %}{% "
       "endfor %}"},
      {"replacements that multiply",
       "{% set n = namespace(x='aaaa') %}{% for i in range(99) %}{% set n.x = n.x|replace('a', "
       "'aaaa') %}"
       "{% endfor %}"},
      {"a list inside itself, printed",
       "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor "
       "%}"
       "{{ n.x }}"},
      {"a list inside itself, as JSON",
       "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor "
       "%}"
       "{{ n.x|tojson }}"},
      {"a list inside itself, compared",
       "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}"
       "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"},
      {"deep lists, printed",
       "{% set n = namespace(x=[]) %}{% for i in range(5000) %}{% set n.x = [n.x] %}{% endfor %}{{ "
       "n.x }}"},
      {"deep lists, as JSON",
       "{% set n = namespace(x=[]) %}{% for i in range(5000) %}{% set n.x = [n.x] %}{% endfor %}"
       "{{ n.x|tojson }}"},
      {"deep tuples as a key",
       "{% set n = namespace(x=()) %}{% for i in range(5000) %}{% set n.x = (n.x,) %}{% endfor %}"
       "{{ {n.x: 1} }}"},
      {"deep lists, compared",
       "{% set n = namespace(x=[], y=[]) %}{% for i in range(5000) %}{% set n.x = [n.x] %}"
       "{% set n.y = [n.y] %}{% endfor %}{{ n.x == n.y }}"},
      {"a namespace that holds itself, printed",
       "{% set n = namespace() %}{% set n.x = n %}{{ n }}"},
      {"wide formatting", "{{ '%1000000000d' % 1 }}"},
      {"wide formatting with a star", "{{ '%*d' % (1000000000, 1) }}"},
      {"wide formatting with braces", "{{ '{:1000000000}'.format('a') }}"},
      {"wide grouped formatting", "{{ '{:01000000000,}'.format(1) }}"},
      {"great precision", "{{ '%.1000000000f' % 1.5 }}"},
      {"a wide field", "{{ 'a'.center(1000000000) }}"},
      {"many zeros", "{{ 'a'.zfill(1000000000) }}"},
      {"a wide indent", "{{ 'a\nb'|indent(1000000000) }}"},
      {"a wide JSON indent", "{{ [1]|tojson(indent=1000000000) }}"},
      {"many slices", "{{ [1]|slice(1000000000)|list }}"},
      {"a batch to fill", "{{ [1]|batch(1000000000, 0)|list }}"},
      {"a long chain of lazy filters",
       "{% set n = namespace(x=[1]) %}{% for i in range(20000) %}{% set n.x = n.x|map('string') %}"
       "{% endfor %}{{ n.x|list }}"},
      {"a long chain of unique filters",
       "{% set n = namespace(x=[1]) %}{% for i in range(20000) %}{% set n.x = n.x|unique %}{% "
       "endfor %}"
       "{{ n.x|list }}"},
  };
  for (const auto& [says, source] : cases) {
    SCOPED_TRACE(says);
    const Status status = status_of(source, Json::object(), small());
    EXPECT_EQ(status.code(), Code::kOutOfRange) << status.to_string();
  }
}

TEST(Limits, WideSplitsAreRefusedBeforeTheyAreMade) {
  for (const char* source :
       {"{{ (',' * 4000000).split(',')|length }}", "{{ (', ' * 2000000).split()|length }}",
        "{{ (',' * 4000000).rsplit(',')|length }}", "{{ ('\n' * 4000000).splitlines()|length }}",
        "{{ ('\n' * 4000000)|indent|length }}", "{{ ('é' * 2000000)[::-1] }}"}) {
    EXPECT_EQ(status_of(source, Json::object(), small()).code(), Code::kOutOfRange) << source;
  }
}

TEST(Limits, LongKeysCostTheirLength) {
  EXPECT_EQ(status_of("{% set k = 'x' * 1000000 %}{% set d = {k: 1} %}"
                      "{% for i in range(1000) %}{{ d[k] }}{% endfor %}",
                      Json::object(), small())
                .code(),
            Code::kOutOfRange);
}

TEST(Limits, ManyVariablesInOneScope) {
  std::string source = "{% for i in [1, 2] %}";
  for (int i = 0; i < 2000; ++i) source += fmt::format("{{% set v{} = {} %}}", i, i);
  for (int i = 0; i < 2000; i += 499) source += fmt::format("{{{{ v{} }}}},", i);
  source += "{% set v3 = 'new' %}{{ v3 }};{% endfor %}{{ v3 }}";
  const auto text = (*ChatTemplate::parse(source))->render(Json::object(), {});
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(*text, "0,499,998,1497,1996,new;0,499,998,1497,1996,new;");
}

TEST(Limits, OutputHasALimit) {
  const Status status =
      status_of("{% for a in range(1000) %}{{ 'x' * 10000 }}{% endfor %}", Json::object(), small());
  EXPECT_EQ(status.code(), Code::kOutOfRange);
  EXPECT_NE(status.message().find("wrote more than 1048576 bytes"), std::string::npos)
      << status.message();
}

TEST(Limits, MessagesNameTheLine) {
  const Status status = status_of(
      "\n\n{% for a in range(99999) %}\n{% for b in range(99999) %}{% endfor %}{% endfor %}",
      Json::object(), small());
  EXPECT_EQ(status.message(),
            "chat template, line 4: the chat template did not finish within 200000 steps");
}

TEST(Limits, MemoryIsGivenBackWhileRendering) {
  // Makes 100 MB of text in all, never more than some kilobytes at a time.
  EXPECT_TRUE(status_of("{% for a in range(1000) %}{% set x = 'y' * 100000 %}{% endfor %}",
                        Json::object(),
                        [] {
                          RenderLimits limits;
                          limits.max_memory_bytes = 1 << 20;
                          return limits;
                        }())
                  .ok());
}

TEST(Limits, LongChainsOfValuesAreFreedWithoutRecursion) {
  EXPECT_TRUE(
      status_of("{% set n = namespace(x=[]) %}{% for i in range(90000) %}{% set n.x = [n.x] %}"
                "{% endfor %}{% set n.x = 1 %}done")
          .ok());
  EXPECT_TRUE(status_of("{% set n = namespace(x=0) %}{% for i in range(90000) %}"
                        "{% set n.x = namespace(y=n.x) %}{% endfor %}done")
                  .ok());
}

TEST(Limits, CyclesAreFreed) {
  // Leak checking of the sanitizer build is the test.
  EXPECT_TRUE(status_of("{% set n = namespace() %}{% set n.me = n %}{% set n.l = [n, {'n': n}] %}"
                        "{% macro f() %}{{ f }}{% endmacro %}{% set n.f = f %}"
                        "{% for i in [1, 2] %}{% macro g() %}{{ i }}{{ g }}{% endmacro %}"
                        "{% set n.g = g %}{% endfor %}ok")
                  .ok());
}

TEST(Limits, MacrosMayNestAsDeepAsAllowed) {
  const char* source =
      "{% macro f(n) %}{% if n > 1 %}{% for i in [1] %}{{ f(n - 1)|upper }}{% endfor %}{% endif %}x"
      "{% endmacro %}{{ f(depth) }}";
  EXPECT_TRUE(status_of(source, {{"depth", 200}}).ok())
      << status_of(source, {{"depth", 200}}).message();
  EXPECT_EQ(status_of(source, {{"depth", 201}}).code(), Code::kOutOfRange);
}

TEST(Limits, DeepInputIsRefused) {
  Json value = 1;
  for (int i = 0; i < 1000; ++i) value = Json::array({std::move(value)});
  EXPECT_EQ(status_of("{{ x }}", {{"x", value}}).code(), Code::kOutOfRange);
}

TEST(Limits, SearchesAreLinear) {
  // Quadratic search would take hours on these.
  const std::string many(2'000'000, 'a');
  const std::string half(1'000'000, 'a');
  const Json variables = {{"s", many}, {"h", half + "b"}};
  EXPECT_TRUE(
      status_of("{{ h in s }}{{ s.find(h) }}{{ s.rfind(h) }}{{ s.count(h) }}"
                "{{ s.replace(h, '')|length }}{{ s.split(h)|length }}{{ s.rsplit(h)|length }}"
                "{{ s.partition(h)|length }}{{ s.strip('a') }}",
                variables)
          .ok());
}

}  // namespace
}  // namespace nacelle::chat_template
