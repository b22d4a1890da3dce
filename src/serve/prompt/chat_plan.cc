#include "serve/prompt/chat_plan.h"

#include "chat_template/render_chat.h"
#include "serve/prompt/length_rules.h"
#include "serve/prompt/prompt_tokens.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::serve {
namespace {

using Json = nlohmann::ordered_json;
using TemplatePtr = std::shared_ptr<const chat_template::ChatTemplate>;

chat_template::ContentFormat content_format(ContentFormat format) {
  switch (format) {
    case ContentFormat::kAuto:
      return chat_template::ContentFormat::kAuto;
    case ContentFormat::kString:
      return chat_template::ContentFormat::kString;
    case ContentFormat::kOpenAi:
      return chat_template::ContentFormat::kParts;
  }
  return chat_template::ContentFormat::kAuto;
}

Json special_tokens(const ServerState& state) {
  Json out = Json::object();
  for (const auto& [name, text] : state.parts.tokenizer->config().special_tokens) out[name] = text;
  return out;
}

// The operator's variables with the request's on top.
Json template_kwargs(const ServerState& state, const openai::TemplateFields& fields) {
  Json out = state.config.default_chat_template_kwargs;
  if (out.is_null()) return fields.chat_template_kwargs;
  if (fields.chat_template_kwargs.is_object()) out.update(fields.chat_template_kwargs);
  return out;
}

openai::Parsed<TemplatePtr> choose_template(const ServerState& state,
                                            const openai::TemplateFields& fields) {
  if (fields.chat_template) {
    auto parsed = chat_template::ChatTemplate::parse(*fields.chat_template);
    if (!parsed.ok()) return openai::value_error(parsed.error().message(), "chat_template");
    return std::move(parsed).value();
  }
  if (!fields.tools.is_null() && state.parts.tool_chat_template) {
    return state.parts.tool_chat_template;
  }
  if (state.parts.chat_template) return state.parts.chat_template;
  return openai::value_error(
      "As of transformers v4.44, default chat template is no longer allowed, so you must provide a "
      "chat template if the tokenizer does not define one.");
}

}  // namespace

openai::Parsed<std::string> render_prompt(const ServerState& state,
                                          const openai::TemplateFields& fields,
                                          openai::ToolChoice tool_choice) {
  auto chosen = choose_template(state, fields);
  if (!chosen) return chosen.error();
  const bool hide_tools =
      state.config.exclude_tools_when_tool_choice_none && tool_choice == openai::ToolChoice::kNone;
  const chat_template::ChatInput input{
      .messages = fields.messages,
      .tools = hide_tools ? Json(nullptr) : fields.tools,
      .documents = fields.documents,
      .add_generation_prompt = fields.add_generation_prompt,
      .continue_final_message = fields.continue_final_message,
      .template_kwargs = template_kwargs(state, fields),
      .special_tokens = special_tokens(state),
      .content_format = content_format(state.config.content_format)};
  chat_template::RenderOptions options;
  options.now = chat_template::local_now();
  Result<std::string> text = chat_template::render_chat(**chosen, input, options);
  if (!text.ok()) return openai::from_status(text.error());
  return std::move(text).value();
}

openai::Parsed<GenerationPlan> plan_chat(const ServerState& state,
                                         const openai::ChatRequest& request) {
  const auto limit = static_cast<std::int64_t>(state.config.max_model_len);
  if (openai::Check bad = check_requested_lengths(request.sampling, limit)) return *bad;
  auto text = render_prompt(state, request.prompt, request.tool_choice);
  if (!text) return text.error();
  auto tokens = tokenize_prompt(state, *text, request.prompt.add_special_tokens, request.sampling);
  if (!tokens) return tokens.error();
  auto planned =
      finish_prompt(state, std::move(tokens).value(), request.sampling, request.num_logprobs());
  if (!planned) return planned.error();
  if (request.return_prompt_text) planned->text = std::move(text).value();

  GenerationPlan plan{.prompts = {}, .choices_per_prompt = request.sampling.n};
  plan.prompts.push_back(std::move(planned).value());
  if (openai::Check bad = check_total_tokens(state, plan)) return *bad;
  return plan;
}

}  // namespace nacelle::serve
