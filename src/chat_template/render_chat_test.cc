#include "chat_template/render_chat.h"

#include <gtest/gtest.h>

namespace nacelle::chat_template {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPlain =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{{ '<assistant>' if add_generation_prompt }}";

std::string render(const char* source, const ChatInput& input) {
  const auto chat_template = ChatTemplate::parse(source);
  if (!chat_template.has_value()) return chat_template.error().to_string();
  const auto text = render_chat(**chat_template, input, {});
  return text.has_value() ? *text : text.error().to_string();
}

ChatInput chat(const char* messages) {
  ChatInput input;
  input.messages = Json::parse(messages);
  return input;
}

TEST(RenderChat, TextPartsAreJoinedForTemplatesThatWantText) {
  EXPECT_EQ(render(kPlain, chat(R"([{"role":"user","content":[{"type":"text","text":"a"},
                                     {"type":"text","text":""},{"type":"text","text":"b"}]}])")),
            "<user>a\nb<assistant>");
}

TEST(RenderChat, TextBecomesAPartForTemplatesThatLoopOverContent) {
  const char* source =
      "{% for m in messages %}{% for c in m.content %}{{ c.type }}:{{ c.text }};{% endfor %}"
      "{% endfor %}";
  EXPECT_EQ(render(source, chat(R"([{"role":"user","content":"a"},{"role":"user","content":
                                     [{"type":"image_url"},{"type":"input_text","text":"b"}]},
                                     {"role":"assistant","content":null}])")),
            "text:a;image:;text:b;");
}

TEST(RenderChat, TheContentFormatCanBeForced) {
  ChatInput input = chat(R"([{"role":"user","content":"a"}])");
  input.content_format = ContentFormat::kParts;
  input.add_generation_prompt = false;
  EXPECT_EQ(render(kPlain, input), "<user>[{'type': 'text', 'text': 'a'}]");
}

TEST(RenderChat, NullContentIsEmptyText) {
  EXPECT_EQ(render(kPlain, chat(R"([{"role":"assistant","content":null},{"role":"x"}])")),
            "<assistant><x><assistant>");
}

TEST(RenderChat, ArgumentsOfToolCallsBecomeObjects) {
  const char* source =
      "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.arguments|tojson }}"
      "{{ c.function.arguments is mapping }}{% endfor %}{{ m.tool_calls is defined }}{% endfor %}";
  EXPECT_EQ(render(source, chat(R"([{"role":"assistant","content":"","tool_calls":[
              {"function":{"name":"f","arguments":"{\"é\": 1.50, \"a\": [1,2]}"}},
              {"function":{"name":"g","arguments":""}},{"function":{"name":"h"}}]},
              {"role":"assistant","tool_calls":[]},{"role":"assistant","tool_calls":null}])")),
            "{\"é\": 1.5, \"a\": [1, 2]}True{}True{}TrueTrueFalseFalse");
}

TEST(RenderChat, VariablesReachTheTemplate) {
  ChatInput input = chat(R"([{"role":"user","content":"a"}])");
  input.tools = Json::parse(R"([{"type":"function","function":{"name":"f"}}])");
  input.special_tokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  input.template_kwargs = {{"enable_thinking", false}, {"eos_token", "<end>"}, {"messages", "no"}};
  EXPECT_EQ(render("{{ bos_token }}{{ eos_token }}{{ tools[0].function.name }}{{ documents }}"
                   "{{ enable_thinking }}{{ messages|length }}{{ add_generation_prompt }}",
                   input),
            "<s><end>fNoneFalse1True");
}

TEST(RenderChat, FinalMessageIsContinued) {
  const auto continued = [](const char* source, const char* messages) {
    ChatInput input = chat(messages);
    input.add_generation_prompt = false;
    input.continue_final_message = true;
    return render(source, input);
  };
  const char* closing = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}";
  EXPECT_EQ(
      continued(closing, R"([{"role":"user","content":"a"},{"role":"assistant","content":"b "}])"),
      "<user>a<end><assistant>b ");
  const char* trimming =
      "{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}<end>{% endfor %}";
  EXPECT_EQ(continued(trimming, R"([{"role":"assistant","content":" b \n"}])"), "<assistant>b");
  const char* parts =
      "{% for m in messages %}{% for c in m.content %}{{ c.text }}|{% endfor %}<end>{% endfor %}";
  EXPECT_EQ(continued(parts, R"([{"role":"assistant","content":[{"type":"text","text":"x"},
                                  {"type":"text","text":"y"}]}])"),
            "x|y");
  const char* dropping = "{% for m in messages[:-1] %}{{ m.content }}{% endfor %}";
  EXPECT_EQ(continued(dropping, R"([{"role":"assistant","content":"b"}])").substr(0, 61),
            "invalid_argument: continue_final_message is set but the final");
}

TEST(RenderChat, ContinuingLeavesOutTheGenerationPrompt) {
  ChatInput input = chat(R"([{"role":"assistant","content":"b"}])");
  input.add_generation_prompt = true;
  input.continue_final_message = true;
  EXPECT_EQ(render(kPlain, input), "<assistant>b");
}

TEST(RenderChat, ThoughtsHaveBothNames) {
  const char* source =
      "{% for m in messages %}{{ m.reasoning }}|{{ m.reasoning_content }};{% endfor %}";
  EXPECT_EQ(render(source, chat(R"([{"role":"assistant","reasoning":"a"},
                                     {"role":"assistant","reasoning_content":"b","reasoning":null},
                                     {"role":"assistant","reasoning":"c","reasoning_content":"d"},
                                     {"role":"user","content":"x"}])")),
            "a|a;b|b;c|d;|;");
}

TEST(RenderChat, MalformedInputIsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "invalid_argument: messages must be a list"},
      {R"([1])", "invalid_argument: each message must be an object"},
      {R"([{"content":5}])",
       "invalid_argument: the content of a message must be text, a list of parts or null"},
      {R"([{"content":[5]}])", "invalid_argument: a content part of type 'text' is malformed"},
      {R"([{"content":[{"type":"image_url"}]}])",
       "invalid_argument: the chat template takes no content parts of type 'image_url'"},
      {R"([{"tool_calls":[{"function":{"arguments":"{"}}]}])",
       "invalid_argument: the arguments of a tool call are not valid JSON"},
      {R"([{"tool_calls":5}])", "invalid_argument: tool_calls must be a list"},
  };
  for (const auto& [messages, error] : cases) EXPECT_EQ(render(kPlain, chat(messages)), error);
  ChatInput input = chat("[]");
  input.template_kwargs = 5;
  EXPECT_EQ(render(kPlain, input), "invalid_argument: chat_template_kwargs must be an object");
}

}  // namespace
}  // namespace nacelle::chat_template
