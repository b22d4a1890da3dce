#include "apps/nacelle/serve_options.h"

#include <algorithm>

#include "apps/nacelle/kv_events_options.h"
#include "apps/nacelle/speculative_options.h"
#include "apps/nacelle/thread_options.h"
#include "apps/nacelle/version.h"
#include "cli/vllm_flags.h"

namespace nacelle::apps {
namespace {

using Environment = std::function<std::optional<std::string>(const char*)>;

Result<std::uint32_t> positive(const cli::FlagValues& flags, std::string_view name,
                               std::uint32_t fallback) {
  const std::int64_t value = flags.integer(name, fallback);
  if (value < 1 || value > INT32_MAX)
    return invalid_argument("--{} must be at least 1, got {}", name, value);
  return static_cast<std::uint32_t>(value);
}

Status read_quantization(const cli::FlagValues& flags, ServeOptions& options) {
  options.load.quantization = flags.text("quantization", "");
  return model::check_quantization_name(options.load.quantization).with_context("--quantization");
}

// nullopt for auto.
Result<std::optional<DType>> read_kv_dtype(const cli::FlagValues& flags) {
  const std::string name = flags.text("kv-cache-dtype", "auto");
  if (name == "auto") return std::optional<DType>();
  if (name == "bfloat16") return std::optional(DType::kBF16);
  if (name == "fp8" || name == "fp8_e4m3") return std::optional(DType::kF8E4M3);
  if (name == "int8") return std::optional(DType::kI8);
  return invalid_argument(
      "--kv-cache-dtype: '{}' is not one of auto, bfloat16, fp8, fp8_e4m3, int8", name);
}

Status read_model(const cli::FlagValues& flags, ServeOptions& options) {
  if (flags.positional.size() > 1) {
    return invalid_argument("one model folder is expected, got {}",
                            fmt::join(flags.positional, " "));
  }
  if (!flags.positional.empty()) {
    options.model = flags.positional[0];
    if (flags.has("model"))
      options.warnings.push_back("--model is ignored beside the positional model");
  } else if (flags.has("model")) {
    options.model = flags.text("model");
    options.warnings.push_back("give the model as the first argument; --model is the older form");
  } else {
    return invalid_argument("which model? nacelle serve MODEL_DIR");
  }
  options.tokenizer = flags.text("tokenizer", options.model.string());
  const std::string format = flags.text("load-format", "auto");
  if (format == "dummy") {
    options.load.format = model::LoadFormat::kDummy;
  } else if (format != "auto" && format != "safetensors" && !format.starts_with("runai_streamer") &&
             format != "fastsafetensors") {
    return invalid_argument(
        "--load-format {} is not supported here; there are auto, safetensors, dummy", format);
  }
  if (const std::string dtype = flags.text("dtype", "auto"); dtype != "auto") {
    ASSIGN_OR_RETURN(options.load.dtype, parse_dtype(dtype));
  }
  ASSIGN_OR_RETURN(options.load.kv_dtype, read_kv_dtype(flags));
  options.load.dummy_seed = static_cast<std::uint64_t>(flags.integer("seed", 0));
  if (flags.has("hf-overrides")) options.load.hf_overrides_json = flags.json("hf-overrides").dump();
  if (const std::string isa = flags.text("isa", "auto"); isa != "auto") options.load.isa = isa;
  RETURN_IF_ERROR(read_quantization(flags, options));
  options.generation_config = flags.text("generation-config", "auto");
  options.override_generation_config = flags.json("override-generation-config");
  if (!options.override_generation_config.is_null() &&
      !options.override_generation_config.is_object()) {
    return invalid_argument("--override-generation-config expects a JSON object");
  }
  if (flags.has("max-model-len")) {
    const std::int64_t length = flags.integer("max-model-len", 0);
    if (length == -1) {
      options.max_model_len_auto = true;
    } else if (length < 1 || length > INT32_MAX) {
      return invalid_argument(
          "--max-model-len must be at least 1, or -1 for the largest that fits, got {}", length);
    } else {
      options.max_model_len = static_cast<std::uint32_t>(length);
    }
  }
  return {};
}

// --packed-weight-cache. Where the model's folder cannot be written, the user's cache folder
// serves.
void read_packed_cache(const cli::FlagValues& flags, const Environment& environment,
                       model::PackedCacheOptions& cache) {
  using Mode = model::PackedCacheOptions::Mode;
  const std::string where = flags.text("packed-weight-cache", "auto");
  cache.mode = where == "off" ? Mode::kOff : where == "auto" ? Mode::kAuto : Mode::kFolder;
  if (cache.mode == Mode::kFolder) cache.folder = where;
  if (const auto own = environment("XDG_CACHE_HOME"); own && !own->empty()) {
    cache.fallback = std::filesystem::path(*own) / "nacelle";
  } else if (const auto home = environment("HOME"); home && !home->empty()) {
    cache.fallback = std::filesystem::path(*home) / ".cache" / "nacelle";
  }
}

Status read_engine(const cli::FlagValues& flags, const Environment& environment,
                   ServeOptions& options) {
  engine::EngineConfig& engine = options.engine;
  ASSIGN_OR_RETURN(engine.block_size, positive(flags, "block-size", 16));
  ASSIGN_OR_RETURN(engine.max_num_seqs, positive(flags, "max-num-seqs", 128));
  ASSIGN_OR_RETURN(engine.max_num_batched_tokens, positive(flags, "max-num-batched-tokens", 2048));
  if (engine.max_num_batched_tokens < engine.max_num_seqs) {
    return invalid_argument("--max-num-batched-tokens ({}) must be at least --max-num-seqs ({})",
                            engine.max_num_batched_tokens, engine.max_num_seqs);
  }
  engine.max_queued_requests = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(flags.integer("max-num-queued-reqs", 1024), 0, INT32_MAX));
  engine.long_prefill_token_threshold = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(flags.integer("long-prefill-token-threshold", 0), 0, INT32_MAX));
  engine.policy = flags.text("scheduling-policy", "fcfs") == "priority"
                      ? engine::SchedulingPolicy::kPriority
                      : engine::SchedulingPolicy::kFcfs;
  engine.enable_prefix_caching = flags.flag("enable-prefix-caching", true);
  engine.enable_chunked_prefill = flags.flag("enable-chunked-prefill", true);
  engine.reserve_full_prompt = flags.flag("scheduler-reserve-full-isl", true);
  engine.async_scheduling = flags.flag("async-scheduling", true);
  if (flags.has("speculative-config")) {
    ASSIGN_OR_RETURN(engine.speculative,
                     read_speculative_config(flags.json("speculative-config"), options.warnings));
    options.server.refuses_min_p_and_logit_bias = true;
  }
  ASSIGN_OR_RETURN(engine.kv_events,
                   read_kv_events_config(flags.json("kv-events-config"), environment));
  if (engine.kv_events.enabled && !engine.enable_prefix_caching) {
    options.warnings.push_back("--kv-events-config has nothing to say without prefix caching");
  }
  const std::string hash = flags.text("prefix-caching-hash-algo", "sha256_cbor");
  engine.hash_algorithm =
      block_hash::parse_hash_algorithm(hash).value_or(engine::HashAlgorithm::kSha256Cbor);
  engine.hash_seed = environment("PYTHONHASHSEED").value_or("");
  engine.seed = static_cast<std::uint64_t>(flags.integer("seed", 0));

  if (flags.has("num-gpu-blocks-override")) {
    ASSIGN_OR_RETURN(options.kv.num_blocks, positive(flags, "num-gpu-blocks-override", 0));
  }
  if (flags.has("kv-cache-memory-bytes")) {
    const std::int64_t bytes = flags.integer("kv-cache-memory-bytes", 0);
    if (bytes < 1)
      return invalid_argument("--kv-cache-memory-bytes must be at least 1, got {}", bytes);
    options.kv.bytes = static_cast<std::uint64_t>(bytes);
  } else if (const auto gib = environment("VLLM_CPU_KVCACHE_SPACE"); gib && !gib->empty()) {
    char* end = nullptr;
    const double value = std::strtod(gib->c_str(), &end);
    if (end == gib->c_str() || value <= 0) {
      return invalid_argument("VLLM_CPU_KVCACHE_SPACE must be a number of GiB, got '{}'", *gib);
    }
    options.kv.bytes = static_cast<std::uint64_t>(value * 1073741824.0);
  }
  options.kv.share = flags.real("gpu-memory-utilization", options.kv.share);
  if (!(options.kv.share > 0 && options.kv.share <= 1)) {
    return invalid_argument("--gpu-memory-utilization must be in (0, 1], got {}", options.kv.share);
  }
  ASSIGN_OR_RETURN(options.threads, resolve_thread_options(flags, environment));
  options.tokenizer_threads = static_cast<std::size_t>(
      std::clamp<std::int64_t>(flags.integer("renderer-num-workers", 1), 1, 64));
  return {};
}

std::vector<std::string> string_list(const nlohmann::json& json,
                                     std::vector<std::string> fallback) {
  if (!json.is_array()) return fallback;
  std::vector<std::string> out;
  for (const auto& item : json) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

Status read_server(const cli::FlagValues& flags, const Environment& environment,
                   ServeOptions& options) {
  serve::ServerConfig& server = options.server;
  server.model_path = options.model.string();
  server.served_model_names = flags.list("served-model-name");
  if (server.served_model_names.empty()) server.served_model_names = {options.model.string()};
  server.skip_model_name_validation =
      environment("VLLM_SKIP_MODEL_NAME_VALIDATION").value_or("0") == "1";
  server.api_keys = flags.list("api-key");
  if (server.api_keys.empty()) {
    if (const auto key = environment("VLLM_API_KEY"); key && !key->empty())
      server.api_keys = {*key};
  }
  server.max_logprobs = flags.integer("max-logprobs", 20);
  server.max_body_bytes = static_cast<std::size_t>(
      std::max<std::int64_t>(1, flags.integer("max-body-bytes", std::int64_t{64} << 20)));
  if (const auto cap = environment("VLLM_MAX_N_SEQUENCES"); cap && !cap->empty()) {
    server.max_n = std::max<std::int64_t>(1, std::strtoll(cap->c_str(), nullptr, 10));
  }
  server.cors.allowed_origins = string_list(flags.json("allowed-origins"), {"*"});
  server.cors.allowed_methods = string_list(flags.json("allowed-methods"), {"*"});
  server.cors.allowed_headers = string_list(flags.json("allowed-headers"), {"*"});
  server.cors.allow_credentials = flags.flag("allow-credentials", false);

  server.response_role = flags.text("response-role", "assistant");
  const std::string format = flags.text("chat-template-content-format", "auto");
  server.content_format = format == "string"   ? serve::ContentFormat::kString
                          : format == "openai" ? serve::ContentFormat::kOpenAi
                                               : serve::ContentFormat::kAuto;
  server.default_chat_template_kwargs = flags.json("default-chat-template-kwargs");
  server.trust_request_chat_template = flags.flag("trust-request-chat-template", false);
  server.enable_auto_tool_choice = flags.flag("enable-auto-tool-choice", false);
  server.tool_call_parser = flags.text("tool-call-parser");
  if (server.enable_auto_tool_choice && server.tool_call_parser.empty()) {
    return invalid_argument("--enable-auto-tool-choice requires --tool-call-parser");
  }
  if (!server.tool_call_parser.empty() && server.tool_call_parser != "hermes") {
    return invalid_argument("--tool-call-parser: '{}' is not one of hermes",
                            server.tool_call_parser);
  }
  server.exclude_tools_when_tool_choice_none =
      flags.flag("exclude-tools-when-tool-choice-none", false);

  server.enable_prompt_tokens_details = flags.flag("enable-prompt-tokens-details", false);
  server.enable_force_include_usage = flags.flag("enable-force-include-usage", false);
  server.return_tokens_as_token_ids = flags.flag("return-tokens-as-token-ids", false);
  server.enable_server_load_tracking = flags.flag("enable-server-load-tracking", false);
  server.enable_request_id_headers = flags.flag("enable-request-id-headers", false);
  server.version = std::string(kVllmVersion);
  server.log_requests = flags.flag("enable-log-requests", false);
  server.access_log = !flags.flag("disable-uvicorn-access-log", false);
  std::string excluded = flags.text("disable-access-log-for-endpoints");
  for (std::size_t start = 0; start < excluded.size();) {
    const std::size_t comma = std::min(excluded.find(',', start), excluded.size());
    if (comma > start)
      server.access_log_excluded_paths.insert(excluded.substr(start, comma - start));
    start = comma + 1;
  }
  options.chat_template = flags.text("chat-template");
  options.fingerprint_mode = flags.text("fingerprint-mode", "full");
  options.fingerprint_value = flags.text("fingerprint-value");

  const std::int64_t port = flags.integer("port", 8000);
  if (port < 0 || port > 65535) return invalid_argument("--port must be 0 to 65535, got {}", port);
  options.http.address = {flags.text("host", "0.0.0.0"), static_cast<std::uint16_t>(port)};
  options.http.max_head_bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(
      flags.integer("h11-max-incomplete-event-size", 4194304), 1024, 16 << 20));
  options.http.max_header_count = static_cast<std::size_t>(
      std::clamp<std::int64_t>(flags.integer("h11-max-header-count", 256), 1, 4096));
  ASSIGN_OR_RETURN(options.tls, read_tls_options(flags));
  options.shutdown_timeout_s = flags.real("shutdown-timeout", 0);
  if (!(options.shutdown_timeout_s >= 0))
    return invalid_argument("--shutdown-timeout must not be negative");
  return {};
}

}  // namespace

Result<ServeOptions> resolve_serve_options(const cli::FlagValues& flags,
                                           const Environment& environment) {
  ServeOptions options;
  options.warnings = flags.warnings;
  RETURN_IF_ERROR(read_model(flags, options));
  read_packed_cache(flags, environment, options.load.packed_cache);
  RETURN_IF_ERROR(read_engine(flags, environment, options));
  RETURN_IF_ERROR(read_server(flags, environment, options));
  const std::string level =
      flags.text("uvicorn-log-level", environment("VLLM_LOGGING_LEVEL").value_or("info"));
  auto parsed = log::parse_level(level == "critical" ? "error"
                                 : level == "trace"  ? "debug"
                                                     : level);
  options.log_level = parsed ? *parsed : log::Level::kInfo;
  options.progress_fd = static_cast<int>(flags.integer("progress-fd", -1));
  for (const cli::FlagSpec& spec : cli::vllm_serve_flags()) {
    if (spec.effect == cli::FlagEffect::kAccepted && flags.has(spec.name)) {
      options.without_effect.push_back(fmt::format("--{}", spec.name));
    }
  }
  return options;
}

}  // namespace nacelle::apps
