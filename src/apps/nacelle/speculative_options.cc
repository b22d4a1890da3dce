#include "apps/nacelle/speculative_options.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace nacelle::apps {
namespace {

constexpr std::int64_t kMostLookup = 1024;

// Of vLLM's SpeculativeConfig; they belong to other methods, or change nothing for n-grams.
constexpr std::array<std::string_view, 13> kWithoutEffect = {"draft_tensor_parallel_size",
                                                             "max_model_len",
                                                             "quantization",
                                                             "revision",
                                                             "code_revision",
                                                             "enforce_eager",
                                                             "disable_padded_drafter_batch",
                                                             "parallel_drafting",
                                                             "suffix_decoding_max_tree_depth",
                                                             "suffix_decoding_max_cached_requests",
                                                             "suffix_decoding_max_spec_factor",
                                                             "suffix_decoding_min_token_prob",
                                                             "draft_sample_method"};

// nullopt when the key is missing or null.
Result<std::optional<std::uint32_t>> integer(const nlohmann::json& json, const char* key,
                                             std::int64_t most) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return std::optional<std::uint32_t>();
  const bool fits = it->is_number_integer() && *it >= 1 && *it <= most;
  if (!fits) {
    return invalid_argument("--speculative-config: {} must be 1 to {}, got {}", key, most,
                            it->dump());
  }
  return std::optional(it->get<std::uint32_t>());
}

Status check_method(const nlohmann::json& json) {
  const auto text = [&](const char* key) -> std::string {
    const auto it = json.find(key);
    if (it == json.end() || it->is_null()) return "";
    return it->is_string() ? it->get<std::string>() : it->dump();
  };
  std::string method = text("method");
  const std::string model = text("model");
  if (method.empty() && (model == "ngram" || model == "[ngram]")) method = "ngram";
  if (method == "ngram") return {};
  if (method.empty()) {
    return invalid_argument(
        "--speculative-config: a method is needed; this engine has 'ngram'{}",
        model.empty() ? "" : fmt::format(", draft models such as '{}' are not supported", model));
  }
  return invalid_argument(
      "--speculative-config: method '{}' is not supported; this engine has 'ngram'", method);
}

}  // namespace

Result<engine::SpeculativeOptions> read_speculative_config(const nlohmann::json& json,
                                                           std::vector<std::string>& warnings) {
  if (!json.is_object()) return invalid_argument("--speculative-config expects a JSON object");
  RETURN_IF_ERROR(check_method(json));
  for (const auto& [key, value] : json.items()) {
    if (key == "method" || key == "model" || key == "num_speculative_tokens" ||
        key == "prompt_lookup_min" || key == "prompt_lookup_max") {
      continue;
    }
    if (key == "rejection_sample_method" && value == "standard") continue;
    if (std::ranges::find(kWithoutEffect, key) == kWithoutEffect.end()) {
      return invalid_argument("--speculative-config: '{}': {} is not supported", key, value.dump());
    }
    warnings.push_back(fmt::format("--speculative-config: {} has no effect here", key));
  }
  ASSIGN_OR_RETURN(const auto count,
                   integer(json, "num_speculative_tokens", engine::kMaxDraftTokens));
  if (!count) {
    return invalid_argument("--speculative-config: num_speculative_tokens is needed, 1 to {}",
                            engine::kMaxDraftTokens);
  }
  ASSIGN_OR_RETURN(const auto shortest, integer(json, "prompt_lookup_min", kMostLookup));
  ASSIGN_OR_RETURN(const auto longest, integer(json, "prompt_lookup_max", kMostLookup));
  engine::SpeculativeOptions options{.num_speculative_tokens = *count};
  if (shortest || longest) {  // one of them stands for both
    options.prompt_lookup_min = shortest ? *shortest : *longest;
    options.prompt_lookup_max = longest ? *longest : *shortest;
  }
  if (options.prompt_lookup_min > options.prompt_lookup_max) {
    return invalid_argument(
        "--speculative-config: prompt_lookup_min ({}) must not exceed prompt_lookup_max ({})",
        options.prompt_lookup_min, options.prompt_lookup_max);
  }
  return options;
}

}  // namespace nacelle::apps
