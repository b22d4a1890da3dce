#include "prompt/chat_prompt.h"

namespace nacelle::prompt {
namespace {

using Json = nlohmann::ordered_json;
using TemplatePtr = std::shared_ptr<const chat_template::ChatTemplate>;

Json special_tokens(const tokenizer::Tokenizer& tokenizer) {
  Json out = Json::object();
  for (const auto& [name, text] : tokenizer.config().special_tokens) out[name] = text;
  return out;
}

// The operator's variables with the request's on top.
Json template_kwargs(const PromptSources& sources, const openai::TemplateFields& fields) {
  Json out = sources.default_template_kwargs;
  if (out.is_null()) return fields.chat_template_kwargs;
  if (fields.chat_template_kwargs.is_object()) out.update(fields.chat_template_kwargs);
  return out;
}

openai::Parsed<TemplatePtr> choose_template(const PromptSources& sources,
                                            const openai::TemplateFields& fields) {
  if (fields.chat_template) {
    auto parsed = chat_template::ChatTemplate::parse(*fields.chat_template);
    if (!parsed.ok()) return openai::value_error(parsed.error().message(), "chat_template");
    return std::move(parsed).value();
  }
  if (!fields.tools.is_null() && sources.tool_chat_template) return sources.tool_chat_template;
  if (sources.chat_template) return sources.chat_template;
  return openai::value_error(
      "As of transformers v4.44, default chat template is no longer allowed, so you must provide a "
      "chat template if the tokenizer does not define one.");
}

}  // namespace

openai::Parsed<std::string> render_chat_prompt(const PromptSources& sources,
                                               const openai::TemplateFields& fields,
                                               openai::ToolChoice tool_choice) {
  auto chosen = choose_template(sources, fields);
  if (!chosen) return chosen.error();
  const bool hide_tools =
      sources.exclude_tools_when_tool_choice_none && tool_choice == openai::ToolChoice::kNone;
  const chat_template::ChatInput input{.messages = fields.messages,
                                       .tools = hide_tools ? Json(nullptr) : fields.tools,
                                       .documents = fields.documents,
                                       .add_generation_prompt = fields.add_generation_prompt,
                                       .continue_final_message = fields.continue_final_message,
                                       .template_kwargs = template_kwargs(sources, fields),
                                       .special_tokens = special_tokens(*sources.tokenizer),
                                       .content_format = sources.content_format};
  chat_template::RenderOptions options;
  options.now = chat_template::local_now();
  Result<std::string> text = chat_template::render_chat(**chosen, input, options);
  if (!text.ok()) return openai::from_status(text.error());
  return std::move(text).value();
}

}  // namespace nacelle::prompt
