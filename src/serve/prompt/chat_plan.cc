#include "serve/prompt/chat_plan.h"

#include "prompt/chat_prompt.h"
#include "serve/prompt/length_rules.h"
#include "serve/prompt/prompt_tokens.h"

namespace nacelle::serve {
namespace {

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

}  // namespace

openai::Parsed<std::string> render_prompt(const ServerState& state,
                                          const openai::TemplateFields& fields,
                                          openai::ToolChoice tool_choice) {
  const ServerConfig& config = state.config;
  const prompt::PromptSources sources{
      .tokenizer = state.parts.tokenizer,
      .chat_template = state.parts.chat_template,
      .tool_chat_template = state.parts.tool_chat_template,
      .content_format = content_format(config.content_format),
      .default_template_kwargs = config.default_chat_template_kwargs,
      .exclude_tools_when_tool_choice_none = config.exclude_tools_when_tool_choice_none};
  return prompt::render_chat_prompt(sources, fields, tool_choice);
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
