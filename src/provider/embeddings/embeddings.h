// embeddings.h: what OpenAI's embeddings say, both ways, for backends with an API of their own.
//
// Home:    pure functions; any thread.
// Errors:  invalid_argument for what no embeddings body may be; unimplemented for inputs that such
//          backends have no word for (token ids, messages).
#pragma once

#include <string>
#include <vector>

#include "provider/json/json.h"
#include "provider/usage.h"

namespace nacelle::provider::embeddings {

enum class Encoding : std::uint8_t { kFloat, kBase64 };

struct Question {
  std::vector<std::string> inputs;  // at least one, none empty
  Encoding encoding = Encoding::kFloat;
};
[[nodiscard]] Result<Question> read_question(const json::Json& body);

// The client's answer. data_loss when there are not as many vectors as inputs, or when a vector is
// no list of numbers. Base64 is of 32-bit floats, little endian.
[[nodiscard]] Result<json::Json> make_answer(const Question& question,
                                             const std::vector<const json::Json*>& vectors,
                                             std::string_view model, const TokenUsage& usage);

}  // namespace nacelle::provider::embeddings
