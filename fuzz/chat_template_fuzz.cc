// links: chat_template base
//
// Renders the input as a template over a fixed conversation with small limits, and once more
// through render_chat(). Whatever the template says, the outcome is text or an error Status.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "chat_template/render_chat.h"

namespace {

using nlohmann::ordered_json;
using namespace nacelle::chat_template;

const ordered_json& conversation() {
  static const ordered_json messages = ordered_json::parse(R"([
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Grüße, 世界 🙂"}]},
    {"role": "assistant", "content": null, "tool_calls": [
      {"id": "abcDEF123", "type": "function",
       "function": {"name": "f", "arguments": "{\"x\": [1, 2.5, null, true, \"é\"]}"}}]},
    {"role": "tool", "tool_call_id": "abcDEF123", "content": "{\"y\": 1e-7}"}
  ])");
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto chat_template = ChatTemplate::parse(source);
  if (!chat_template.has_value()) return 0;
  RenderOptions options;
  options.limits.max_steps = 20'000;
  options.limits.max_output_bytes = std::size_t{1} << 18;
  options.limits.max_memory_bytes = std::size_t{1} << 22;
  const ordered_json variables = {{"messages", conversation()},
                                  {"tools", nullptr},
                                  {"n", 5},
                                  {"f", 2.5},
                                  {"s", "Hello World"},
                                  {"xs", {3, 1, 2}},
                                  {"d", {{"b", 1}, {"a", {{"x", {1, "y"}}}}}}};
  (void)(*chat_template)->render(variables, options);
  ChatInput input;
  input.messages = conversation();
  input.add_generation_prompt = false;
  input.continue_final_message = true;
  (void)render_chat(**chat_template, input, options);
  return 0;
}
