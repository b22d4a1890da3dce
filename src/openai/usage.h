// usage.h: the token counts of an answer.
//
// Source:  engine.md sections 7 to 9.
#pragma once

#include <cstdint>
#include <optional>

#include "openai/json_writer.h"

namespace nacelle::openai {

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::optional<std::int64_t> cached_tokens;  // shown only when the operator asks and above 0
};

// Full answers show absent details as null; chunks leave them out.
enum class UsageForm { kWithNulls, kWithoutNulls, kCountsOnly };

void write_usage(JsonWriter& json, const Usage& usage, UsageForm form);

}  // namespace nacelle::openai
