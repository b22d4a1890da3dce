// server_config.h: everything an operator can choose about the OpenAI server, resolved and
// immutable.
//
// Filled in by the process entry from the command line, the environment and the model's files; code
// below reads this struct only.
//
// Source:  engine.md sections 1, 2 and 13.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/token.h"

namespace nacelle::serve {

// Values of generation_config.json (or the override) for what a request leaves open; nullopt = the
// neutral value.
struct SamplingDefaults {
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  std::optional<std::int64_t> top_k;
  std::optional<std::int64_t> max_new_tokens;      // of a request without max_tokens
  std::optional<std::int64_t> max_new_tokens_cap;  // of every request
  // The ids of eos_token_id beyond the primary EOS: they stop like stop_token_ids unless
  // ignore_eos.
  std::vector<TokenId> extra_eos_token_ids;
};

enum class ContentFormat { kAuto, kString, kOpenAi };

struct CorsConfig {
  std::vector<std::string> allowed_origins = {"*"};
  std::vector<std::string> allowed_methods = {"*"};
  std::vector<std::string> allowed_headers = {"*"};
  bool allow_credentials = false;
};

struct ServerConfig {
  // Names. The first served name is `model` in answers and metrics.
  std::vector<std::string> served_model_names;
  std::string model_path;  // `root` of the model card
  bool skip_model_name_validation = false;

  // Limits.
  std::uint32_t max_model_len = 0;                     // tokens, prompt + output
  std::uint32_t vocab_size = 0;                        // of the model; ids from here on are refused
  std::size_t max_body_bytes = std::size_t{64} << 20;  // 413 beyond
  std::int64_t max_n = 16384;                          // choices per prompt
  std::int64_t max_sequences_per_request = 16384;      // n x prompts
  std::int64_t max_tokens_per_request = std::int64_t{16}
                                        << 20;  // n x prompt tokens, copies included
  std::int64_t max_logprobs = 20;               // -1 = no cap
  std::chrono::seconds retry_after{1};          // of a 503 when the queue is full

  SamplingDefaults defaults;
  // With speculative decoding, as vLLM does: clients that rely on the refusal find it here too.
  bool refuses_min_p_and_logit_bias = false;

  // Access. Empty = open. Paths under /v1, /v2 and /inference need a key.
  std::vector<std::string> api_keys;
  CorsConfig cors;

  // Chat.
  std::string response_role = "assistant";
  ContentFormat content_format = ContentFormat::kAuto;
  nlohmann::ordered_json default_chat_template_kwargs;  // object, or null
  bool trust_request_chat_template = false;
  bool enable_auto_tool_choice = false;
  std::string tool_call_parser;  // "" or "hermes"
  bool exclude_tools_when_tool_choice_none = false;

  // What answers show.
  bool enable_prompt_tokens_details = false;
  bool enable_force_include_usage = false;
  bool return_tokens_as_token_ids = false;
  bool enable_server_load_tracking = false;
  bool enable_request_id_headers = false;
  std::optional<std::string> system_fingerprint;  // nullopt = null
  std::string version = "0.0.0";                  // of GET /version

  // Logs and metrics.
  bool access_log = true;
  std::set<std::string> access_log_excluded_paths;  // "/health", "/metrics"
  bool log_requests = false;
  std::string engine_label = "0";  // of every vllm:* metric
  // Labels of vllm:cache_config_info beyond those read from EngineConfig, e.g. cache_dtype (of
  // K and V).
  std::vector<std::pair<std::string, std::string>> cache_config_labels;
};

}  // namespace nacelle::serve
