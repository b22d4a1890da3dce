#include "control/core/go_template/go_template.h"

#include <gtest/gtest.h>

namespace nacelle::control::go_template {
namespace {

Context sample() {
  Context context;
  context.root =
      Json::parse(R"j({"Name":"chat","Count":3,"Flag":true,"Empty":"","Quote":"a\"b{{c}}\n",
    "Spec":{"model":{"name":"tiny"},"list":["x","y"],"labels":{"a":"1"}}})j");
  context.optional = [](std::string_view name) {
    return name == "Tensor" || name == "Parallelism";
  };
  context.functions["ChildName"] = [](std::span<const Json> a) -> Result<Json> {
    return Json(a[0].get<std::string>() + a[1].get<std::string>());
  };
  return context;
}

struct Row {
  const char* text;
  const char* result;  // null: an error ...
  const char* error = "";
};

TEST(GoTemplate, Expressions) {
  const std::vector<Row> rows = {
      {"plain }} text", "plain }} text"},
      {"{{ .Name }}-x", "chat-x"},
      {"{{.Spec.Model.Name}}", "tiny"},
      {"a {{- .Name -}} b", "achatb"},
      {"a{{/* nothing */}}b", "ab"},
      {"{{ if .Flag }}yes{{ else }}no{{ end }}", "yes"},
      {"{{ if .Empty }}yes{{ else if eq .Count 3 }}three{{ else }}no{{ end }}", "three"},
      {"{{ with .Spec.Model }}{{ .Name }} of {{ $.Name }}{{ end }}", "tiny of chat"},
      {"{{ range $i, $x := .Spec.List }}{{ $i }}={{ $x }};{{ end }}", "0=x;1=y;"},
      {"{{ range $k, $v := .Spec.Labels }}{{ $k }}={{ $v }}{{ end }}", "a=1"},
      {"{{ range .Spec.Parallelism }}x{{ else }}none{{ end }}", "none"},
      {"{{ $x := .Name }}{{ $x }}{{ $x }}", "chatchat"},
      {"{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"},
      {"{{ ChildName .Name `-svc` }}", "chat-svc"},
      {"{{ ChildName .Name \"-svc\" | printf \"<%s>\" }}", "<chat-svc>"},
      {"{{ printf \"%q %d%%\" .Quote .Count }}", "\"a\\\"b{{c}}\\n\" 3%"},
      {"{{ if and .Spec.Parallelism .Spec.Parallelism.Tensor }}tp{{ end }}", ""},
      {"{{ or .Spec.Parallelism.Tensor 5 }}", "5"},
      {"{{ not .Flag }} {{ ne .Count 3 }} {{ lt 1 2 }} {{ ge .Count 4 }}",
       "false false true false"},
      {"{{ len .Spec.List }} {{ index .Spec.List 1 }} {{ index .Spec.Labels \"a\" }}", "2 y 1"},
      {"{{ (index .Spec.List 0) }}", "x"},
      {"{{ \"}}\" }}", "}}"},
      {"{{ .Quote }}", "a\"b{{c}}\n"},
      {"{{ .Nope }}", nullptr, "map has no entry for key \"Nope\""},
      {"{{ .Name.Nope }}", nullptr, "can't evaluate field"},
      {"{{ if .Flag }}", nullptr, "has no end"},
      {"{{ end }}", nullptr, "unexpected"},
      {"{{ .Name", nullptr, "unclosed action"},
      {"{{ \"a }}", nullptr, "unclosed action"},
      {"{{ nope .Name }}", nullptr, "function \"nope\" not defined"},
      {"{{ .Name .Name }}", nullptr, "non-function"},
      {"{{ $y }}", nullptr, "undefined variable"},
      {"{{ template \"x\" }}", nullptr, "not offered"},
      {"{{ eq .Name 1 }}", nullptr, "incompatible types"},
      {"{{ }}", nullptr, "missing value"},
      {"{{ (.Name }}", nullptr, "unclosed left paren"},
      {"{{ ; }}", nullptr, "unexpected"},
  };
  const Context context = sample();
  for (const Row& row : rows) {
    const auto out = render(row.text, context);
    if (row.result != nullptr) {
      ASSERT_TRUE(out.ok()) << row.text << ": " << out.error().message();
      EXPECT_EQ(*out, row.result) << row.text;
    } else {
      ASSERT_FALSE(out.ok()) << row.text << " -> " << *out;
      EXPECT_NE(out.error().message().find(row.error), std::string::npos)
          << row.text << ": " << out.error().message();
    }
  }
}

TEST(GoTemplate, WhatAValueHoldsIsNeverReadAgain) {
  Json tree = Json::parse(R"j({"args":["{{ .Quote }}","--x={\"a\": 1}"],"n":3})j");
  ASSERT_TRUE(render_strings(tree, sample()).ok());
  EXPECT_EQ(tree["args"][0], "a\"b{{c}}\n");
  EXPECT_EQ(tree["args"][1], "--x={\"a\": 1}");
  Json wrong = Json::parse(R"j({"template":{"containers":[{"args":["{{ .Nope }}"]}]}})j");
  const Status status = render_strings(wrong, sample());
  EXPECT_EQ(status.message().find("template.containers[0].args[0]: "), 0U) << status.message();
}

TEST(GoTemplate, WhatIsPrintedMayStandForItsValueInSomeFields) {
  Context context = sample();
  context.print = [](std::string_view field, std::string value) {
    return field == "args[1]" ? "<" + value + ">" : value;
  };
  Json tree = Json::parse(
      R"j({"args":["{{ .Quote }}","a{{ with .Quote }}{{ . }}{{ end }}b{{ if .Flag }}c{{ end }}"]})j");
  ASSERT_TRUE(render_strings(tree, context).ok());
  EXPECT_EQ(tree["args"][0], "a\"b{{c}}\n");
  EXPECT_EQ(tree["args"][1], "a<a\"b{{c}}\n>bc");
  EXPECT_EQ(*render("{{ .Quote }}", context), "a\"b{{c}}\n") << "it stands in no field";
}

TEST(GoTemplate, WorkAndOutputAreBounded) {
  Context context = sample();
  context.root["Many"] = Json::array();
  for (int i = 0; i < 1000; ++i) context.root["Many"].push_back(i);
  const auto steps = render(
      "{{ range $.Many }}{{ range $.Many }}{{ range $.Many }}{{ end }}{{ end }}{{ end }}", context);
  ASSERT_FALSE(steps.ok());
  EXPECT_EQ(steps.error().code(), Code::kOutOfRange);
  context.root["Long"] = std::string(100'000, 'x');
  EXPECT_FALSE(render("{{ range $.Many }}{{ $.Long }}{{ end }}", context).ok());
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "{{ if .Flag }}";
  EXPECT_FALSE(render(deep, context).ok());
  EXPECT_FALSE(render("{{ " + std::string(500, '(') + " }}", context).ok());
}

}  // namespace
}  // namespace nacelle::control::go_template
