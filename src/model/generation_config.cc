#include "model/generation_config.h"

#include <limits>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "model/field_reader.h"

namespace nacelle::model {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr double kSmallest = std::numeric_limits<double>::min();  // "above 0"
constexpr double kLargest = 1e6;

}  // namespace

Result<GenerationConfig> GenerationConfig::parse(std::string_view json_text,
                                                 std::string_view source) {
  ASSIGN_OR_RETURN(const nlohmann::json object, parse_json_object(json_text, source));
  FieldReader fields(object, std::string(source));
  GenerationConfig config;
  config.temperature = fields.number("temperature", 0.0, kLargest);
  config.top_p = fields.number("top_p", kSmallest, 1.0);
  config.top_k = fields.integer("top_k", -1, std::numeric_limits<std::int32_t>::max());
  config.min_p = fields.number("min_p", 0.0, 1.0);
  config.repetition_penalty = fields.number("repetition_penalty", kSmallest, kLargest);
  config.max_new_tokens =
      fields.integer("max_new_tokens", 1, std::numeric_limits<std::int32_t>::max());
  config.eos_token_ids = fields.one_or_more_ids("eos_token_id");
  RETURN_IF_ERROR(fields.status());
  return config;
}

Result<GenerationConfig> GenerationConfig::load(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "generation_config.json";
  const Result<std::string> text = read_file(path, kMaxBytes);
  if (text) return parse(*text, path.string());
  if (text.error().code() == Code::kNotFound) return GenerationConfig{};
  return text.error();
}

}  // namespace nacelle::model
