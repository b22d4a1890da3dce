// template_reader.h: reads the fields that a chat template is rendered from.
#pragma once

#include "openai/chat_request.h"
#include "openai/wire/json_reader.h"

namespace nacelle::openai::wire {

class TemplateReader {
 public:
  // `out` must outlive the reader.
  explicit TemplateReader(TemplateFields& out) : out_(out) {}

  // Keys of other concern are ignored.
  [[nodiscard]] Check read(const Field& field);
  [[nodiscard]] Check validate(const ChatPolicy& policy) const;

 private:
  TemplateFields& out_;
  bool explicit_generation_prompt_ = false;
};

}  // namespace nacelle::openai::wire
