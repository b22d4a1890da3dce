// golden_test.cc: every template of tests/testdata/chat_template against what Python made of it.
//
// The results come from tools/goldens/chat_template.py. Text must be equal byte for byte,
// raise_exception must give the same message, and where Python failed we must fail.
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_template/chat_template.h"
#include "chat_template/render_chat.h"

namespace nacelle::chat_template {
namespace {

using Json = nlohmann::ordered_json;

std::string read(const std::string& name) {
  std::ifstream file(std::string(NACELLE_TESTDATA) + "/chat_template/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The moment the goldens were made at.
RenderOptions golden_options() {
  using namespace std::chrono;
  RenderOptions options;
  options.now = local_days(2026y / March / 7) + 14h + 5min + 9s + 42us;
  return options;
}

// What Python does with an expected row, against ours.
void expect_same(const Json& row, const Result<std::string>& got) {
  if (row.contains("text")) {
    ASSERT_TRUE(got.has_value()) << got.error().to_string();
    EXPECT_EQ(*got, row["text"].get<std::string>());
  } else if (row.contains("raised")) {
    ASSERT_FALSE(got.has_value()) << *got;
    EXPECT_EQ(got.error().code(), Code::kInvalidArgument);
    EXPECT_EQ(got.error().message(), row["raised"].get<std::string>());
  } else {
    EXPECT_FALSE(got.has_value()) << "Python: " << row["error"] << ", ours: " << *got;
  }
}

Result<std::string> render(const std::string& source, const Json& variables) {
  ASSIGN_OR_RETURN(const auto chat_template, ChatTemplate::parse(source));
  return chat_template->render(variables, golden_options());
}

TEST(Golden, SnippetsRenderAsInPython) {
  const Json golden = Json::parse(read("snippets.json"));
  ASSERT_GT(golden["snippets"].size(), 500u);
  for (const Json& row : golden["snippets"]) {
    const std::string source = row["source"].get<std::string>();
    SCOPED_TRACE(source);
    Json variables = golden["variables"];
    if (row.contains("variables")) variables.update(row["variables"]);
    expect_same(row, render(source, variables));
  }
}

TEST(Golden, FamiliesRenderEveryConversationAsInPython) {
  const Json golden = Json::parse(read("families.json"));
  std::map<std::string, Json> conversations;
  for (const Json& conversation : golden["conversations"]) {
    conversations[conversation["name"].get<std::string>()] = conversation;
  }
  std::map<std::string, std::shared_ptr<const ChatTemplate>> templates;
  ASSERT_GT(golden["renders"].size(), 400u);
  for (const Json& row : golden["renders"]) {
    const std::string family = row["family"].get<std::string>();
    SCOPED_TRACE(family + ", " + row["conversation"].get<std::string>());
    auto& chat_template = templates[family];
    if (!chat_template) {
      auto parsed = ChatTemplate::parse(read("families/" + family + ".jinja"));
      ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
      chat_template = *parsed;
    }
    Json variables = conversations[row["conversation"].get<std::string>()];
    variables.erase("name");
    // As apply_chat_template() has them: always defined.
    for (const char* name : {"tools", "documents"}) {
      if (!variables.contains(name)) variables[name] = nullptr;
    }
    if (!variables.contains("add_generation_prompt")) variables["add_generation_prompt"] = false;
    if (variables.value("continue_final_message", false)) {
      // The part around the template is ours too.
      ChatInput input;
      input.messages = variables["messages"];
      input.add_generation_prompt = false;
      input.continue_final_message = true;
      input.content_format = ContentFormat::kString;
      variables.erase("messages");
      input.template_kwargs = variables;
      input.template_kwargs.erase("continue_final_message");
      expect_same(row, render_chat(*chat_template, input, golden_options()));
      continue;
    }
    expect_same(row, chat_template->render(variables, golden_options()));
  }
}

}  // namespace
}  // namespace nacelle::chat_template
