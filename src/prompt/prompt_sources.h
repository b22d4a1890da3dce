// prompt_sources.h: what prompts of one model are made with.
//
// Home:    values, shared and immutable after loading. load() reads files: start-up or work pool.
// Errors:  load() says which file is wrong and how.
// Source:  engine.md sections 8 and 20.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "chat_template/render_chat.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::prompt {

struct PromptSources {
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  std::shared_ptr<const chat_template::ChatTemplate> chat_template;  // nullptr: chat is an error
  // The model's own template for requests with tools; nullptr: the same as the other.
  std::shared_ptr<const chat_template::ChatTemplate> tool_chat_template;
  chat_template::ContentFormat content_format = chat_template::ContentFormat::kAuto;
  nlohmann::ordered_json default_template_kwargs;  // object, or null
  bool exclude_tools_when_tool_choice_none = false;
};

// `chat_template` is that of --chat-template: a path, or the template itself when it has Jinja's
// braces or a line break; "" = the model's own.
[[nodiscard]] Result<PromptSources> load_prompt_sources(const std::filesystem::path& tokenizer_dir,
                                                        const std::string& chat_template = "");

}  // namespace nacelle::prompt
