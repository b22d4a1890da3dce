#include "openai/usage.h"

namespace nacelle::openai {

void write_usage(JsonWriter& json, const Usage& usage, UsageForm form) {
  json.begin_object();
  json.key("prompt_tokens").integer(usage.prompt_tokens);
  json.key("total_tokens").integer(usage.prompt_tokens + usage.completion_tokens);
  json.key("completion_tokens").integer(usage.completion_tokens);
  if (form != UsageForm::kCountsOnly && usage.cached_tokens) {
    json.key("prompt_tokens_details").begin_object();
    json.key("cached_tokens").integer(*usage.cached_tokens);
    json.end_object();
  } else if (form == UsageForm::kWithNulls) {
    json.key("prompt_tokens_details").null();
  }
  json.end_object();
}

}  // namespace nacelle::openai
