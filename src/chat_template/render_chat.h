// render_chat.h: an OpenAI conversation to the text of a prompt.
//
// What a server has to do around a chat template: shape each message as templates expect it, add
// the variables every template may read, and cut the text when the last message is to be continued.
//
// Home: any thread; CPU work for the work pool. Errors: as ChatTemplate::render(), and
// invalid_argument for messages no template could take.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "chat_template/chat_template.h"

namespace nacelle::chat_template {

enum class ContentFormat {
  kAuto,    // parts if the template loops over them, else text
  kString,  // text parts joined with "\n"
  kParts,   // a list of {"type": "text", "text": ...}, also for plain text
};

struct ChatInput {
  nlohmann::ordered_json messages;   // array of {role, content, ...} as on the wire
  nlohmann::ordered_json tools;      // array of {type, function}, or null
  nlohmann::ordered_json documents;  // array, or null
  bool add_generation_prompt = true;
  bool continue_final_message = false;  // then no generation prompt is added
  // More variables; those named here never replace the ones above.
  nlohmann::ordered_json template_kwargs;  // object, or null
  // bos_token, eos_token and the other special tokens by name.
  nlohmann::ordered_json special_tokens;  // object of texts, or null
  ContentFormat content_format = ContentFormat::kAuto;
};

Result<std::string> render_chat(const ChatTemplate& chat_template, const ChatInput& input,
                                const RenderOptions& options);

// The messages as the template gets them: content in the given format (not kAuto), arguments of
// tool calls as objects, an empty list of tool calls left out.
Result<nlohmann::ordered_json> normalize_messages(const nlohmann::ordered_json& messages,
                                                  ContentFormat format);

}  // namespace nacelle::chat_template
