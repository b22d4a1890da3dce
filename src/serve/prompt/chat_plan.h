// chat_plan.h: from a conversation to the text of its prompt, its tokens and parameters.
//
// Home:    the work pool: templates and tokenising may take long. Touches nothing but its
// arguments. Source:  engine.md sections 8 and 20.
#pragma once

#include <string>

#include "openai/chat_request.h"
#include "serve/generation/plan.h"
#include "serve/server_state.h"

namespace nacelle::serve {

// The text that the template makes. Errors: 400 for a server without a template, and for whatever
// the template refuses.
[[nodiscard]] openai::Parsed<std::string> render_prompt(const ServerState& state,
                                                        const openai::TemplateFields& fields,
                                                        openai::ToolChoice tool_choice);

[[nodiscard]] openai::Parsed<GenerationPlan> plan_chat(const ServerState& state,
                                                       const openai::ChatRequest& request);

}  // namespace nacelle::serve
