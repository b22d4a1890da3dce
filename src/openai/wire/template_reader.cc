#include "openai/wire/template_reader.h"

namespace nacelle::openai::wire {
namespace {

const FieldTable<TemplateFields>& table() {
  using T = TemplateFields;
  static const FieldTable<TemplateFields> fields = {
      {"messages", &bind<&T::messages>},
      {"tools", &bind<&T::tools>},
      {"documents", &bind<&T::documents>},
      {"chat_template_kwargs", &bind<&T::chat_template_kwargs>},
      {"chat_template", &bind<&T::chat_template>},
      {"add_generation_prompt", &bind<&T::add_generation_prompt>},
      {"continue_final_message", &bind<&T::continue_final_message>},
      {"add_special_tokens", &bind<&T::add_special_tokens>},
  };
  return fields;
}

}  // namespace

Check TemplateReader::read(const Field& field) {
  const auto entry = table().find(field.name);
  if (entry == table().end()) return {};
  if (field.name == "add_generation_prompt") {
    explicit_generation_prompt_ = field.value.is_bool() && bool(field.value);
  }
  return entry->second(out_, field);
}

Check TemplateReader::validate(const ChatPolicy& policy) const {
  if (out_.continue_final_message && explicit_generation_prompt_) {
    return body_error(
        "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
  }
  if (out_.continue_final_message) out_.add_generation_prompt = false;
  return validate_template_fields(out_, policy);
}

}  // namespace nacelle::openai::wire
