// chat_template.h: a Jinja template that turns messages into the text of a prompt.
//
// The language and every output byte are those of Python's jinja2 as Hugging Face transformers sets
// it up: sandboxed, trim_blocks, lstrip_blocks, break and continue, {% generation %}, its tojson,
// raise_exception and strftime_now. README.md lists what is left out.
//
// Home:    any thread; a ChatTemplate never changes after parse(). Rendering is CPU work for the
// work
//          pool: a long conversation takes milliseconds.
// Errors:  invalid_argument when the template is malformed ("line 3: ...") or does something wrong;
//          out_of_range when a limit is met. Both are the request's or the model's fault: HTTP 400.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "chat_template/limits.h"
#include "chat_template/local_time.h"

namespace nacelle::chat_template {

struct Ast;

struct RenderOptions {
  RenderLimits limits;
  // What strftime_now() formats; pass local_now() outside tests.
  LocalTime now{};
};

class ChatTemplate {
 public:
  static Result<std::shared_ptr<const ChatTemplate>> parse(std::string_view source);
  ~ChatTemplate();

  // `variables` is an object; each key is a variable of the template. raise_exception(text) in the
  // template gives invalid_argument with exactly that text.
  Result<std::string> render(const nlohmann::ordered_json& variables,
                             const RenderOptions& options) const;

  // Whether the template loops over the parts of a message's content, so that content must stay a
  // list ("openai" format) and not be joined into one text ("string" format).
  [[nodiscard]] bool wants_content_parts() const { return wants_content_parts_; }

  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  ChatTemplate(std::string source, std::unique_ptr<const Ast> ast);

  std::string source_;
  std::unique_ptr<const Ast> ast_;
  bool wants_content_parts_;
};

}  // namespace nacelle::chat_template
