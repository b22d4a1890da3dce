#include "prompt/prompt_sources.h"

#include "base/file.h"

namespace nacelle::prompt {
namespace {

Result<std::string> read_template(const std::string& given) {
  if (given.find('{') != std::string::npos || given.find('\n') != std::string::npos) return given;
  auto text = read_file(given, std::size_t{16} << 20);
  if (!text) return text.error().with_context("--chat-template");
  return text;
}

// The name under which the tokenizer's own template is kept.
std::string own_template(const tokenizer::TokenizerConfig& config) {
  if (const auto found = config.chat_templates.find("default");
      found != config.chat_templates.end()) {
    return found->second;
  }
  return config.chat_templates.empty() ? std::string() : config.chat_templates.begin()->second;
}

}  // namespace

Result<PromptSources> load_prompt_sources(const std::filesystem::path& tokenizer_dir,
                                          const std::string& chat_template) {
  PromptSources sources;
  ASSIGN_OR_RETURN(sources.tokenizer, tokenizer::Tokenizer::load(tokenizer_dir));
  std::string text = own_template(sources.tokenizer->config());
  if (!chat_template.empty()) {
    ASSIGN_OR_RETURN(text, read_template(chat_template));
  }
  if (text.empty()) return sources;
  auto parsed = nacelle::chat_template::ChatTemplate::parse(text);
  if (!parsed) return parsed.error().with_context("chat template");
  sources.chat_template = std::move(*parsed);
  const auto& own = sources.tokenizer->config().chat_templates;
  if (const auto tools = own.find("tool_use"); chat_template.empty() && tools != own.end()) {
    auto tool_template = nacelle::chat_template::ChatTemplate::parse(tools->second);
    if (!tool_template) return tool_template.error().with_context("chat template 'tool_use'");
    sources.tool_chat_template = std::move(*tool_template);
  }
  return sources;
}

}  // namespace nacelle::prompt
