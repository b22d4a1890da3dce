// chat_prompt.h: a conversation to the text of its prompt, by the model's template.
//
// Home:    any thread; CPU work for the work pool. Touches nothing but its arguments.
// Errors:  400 for a model without a template, and for whatever the template refuses.
// Source:  engine.md sections 8 and 20.
#pragma once

#include <string>

#include "openai/chat_request.h"
#include "prompt/prompt_sources.h"

namespace nacelle::prompt {

[[nodiscard]] openai::Parsed<std::string> render_chat_prompt(const PromptSources& sources,
                                                             const openai::TemplateFields& fields,
                                                             openai::ToolChoice tool_choice);

}  // namespace nacelle::prompt
