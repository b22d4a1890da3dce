#include "provider/embeddings/embeddings.h"

#include <bit>

#include "base/base64.h"

namespace nacelle::provider::embeddings {

namespace {

using json::Json;

Status append_input(const Json& value, std::size_t index, std::vector<std::string>& out) {
  if (!value.is_string()) {
    if (value.is_number() || value.is_array())
      return unimplemented("input: this backend takes text, not token ids");
    return invalid_argument("input[{}]: expected a string", index);
  }
  if (value.get_ref<const std::string&>().empty())
    return invalid_argument("input[{}]: expected a non-empty string", index);
  out.push_back(value.get<std::string>());
  return {};
}

Result<Json> encoded(const Json& vector, Encoding encoding) {
  if (!vector.is_array() || vector.empty())
    return data_loss("the backend's answer has an embedding that is no list");
  std::string bytes;
  for (const Json& value : vector) {
    if (!value.is_number())
      return data_loss("the backend's answer has an embedding that holds no numbers");
    if (encoding == Encoding::kFloat) continue;
    const auto bits = std::bit_cast<std::uint32_t>(value.get<float>());
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xff);
  }
  return encoding == Encoding::kFloat ? vector : Json(encode_base64(bytes));
}

}  // namespace

Result<Question> read_question(const Json& body) {
  Question out;
  const std::string format = json::string_member(body, "encoding_format");
  if (format == "base64") {
    out.encoding = Encoding::kBase64;
  } else if (json::member(body, "encoding_format") != nullptr && format != "float") {
    return invalid_argument("encoding_format: expected float or base64");
  }
  const Json* input = json::member(body, "input");
  if (input == nullptr) {
    if (json::member(body, "messages") != nullptr)
      return unimplemented("messages: this backend embeds text only");
    return invalid_argument("input: expected a string or a list of strings");
  }
  if (!input->is_array()) {
    RETURN_IF_ERROR(append_input(*input, 0, out.inputs));
    return out;
  }
  if (input->empty()) return invalid_argument("input: expected at least one string");
  for (const Json& value : *input)
    RETURN_IF_ERROR(append_input(value, out.inputs.size(), out.inputs));
  return out;
}

Result<Json> make_answer(const Question& question, const std::vector<const Json*>& vectors,
                         std::string_view model, const TokenUsage& usage) {
  if (vectors.size() != question.inputs.size()) {
    return data_loss("the backend answered {} inputs with {} embeddings", question.inputs.size(),
                     vectors.size());
  }
  Json data = Json::array();
  for (const Json* vector : vectors) {
    ASSIGN_OR_RETURN(Json embedding, encoded(*vector, question.encoding));
    data.push_back(
        {{"object", "embedding"}, {"index", data.size()}, {"embedding", std::move(embedding)}});
  }
  return Json{{"object", "list"},
              {"data", std::move(data)},
              {"model", model},
              {"usage", {{"prompt_tokens", usage.input}, {"total_tokens", usage.input}}}};
}

}  // namespace nacelle::provider::embeddings
