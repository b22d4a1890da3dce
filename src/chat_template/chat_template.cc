#include "chat_template/chat_template.h"

#include "chat_template/eval/interpreter.h"
#include "chat_template/syntax/content_format.h"
#include "chat_template/syntax/parser.h"

namespace nacelle::chat_template {

ChatTemplate::ChatTemplate(std::string source, std::unique_ptr<const Ast> ast)
    : source_(std::move(source)),
      ast_(std::move(ast)),
      wants_content_parts_(loops_over_content(*ast_)) {}

ChatTemplate::~ChatTemplate() = default;

Result<std::shared_ptr<const ChatTemplate>> ChatTemplate::parse(std::string_view source) {
  ASSIGN_OR_RETURN(std::unique_ptr<const Ast> ast, parse_template(source));
  return std::shared_ptr<const ChatTemplate>(new ChatTemplate(std::string(source), std::move(ast)));
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& variables,
                                         const RenderOptions& options) const {
  return Interpreter(*ast_, options.limits, options.now).render(variables);
}

}  // namespace nacelle::chat_template
