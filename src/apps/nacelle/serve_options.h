// serve_options.h: from `nacelle serve`'s flags to typed configuration of the components.
//
// Errors:  invalid_argument naming the flag and what it accepts; the command exits with 2.
// Source:  engine.md sections 1 and 2.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/nacelle/tls_options.h"
#include "base/result.h"
#include "cli/flags/flag_values.h"
#include "engine/engine.h"
#include "kernels/threads/choose_cpus.h"
#include "model/causal_lm.h"
#include "net/http/server.h"
#include "serve/server_config.h"
#include "telemetry/log.h"

namespace nacelle::apps {

// How much memory the KV cache gets; the first that is set counts.
struct KvMemory {
  std::optional<std::uint32_t> num_blocks;
  std::optional<std::uint64_t> bytes;
  double share = 0.5;  // of the memory that is free before the weights are loaded
};

struct ServeOptions {
  std::filesystem::path model, tokenizer;
  model::LoadOptions load;
  engine::EngineConfig engine;  // num_blocks and max_model_len are resolved after loading
  std::optional<std::uint32_t> max_model_len;  // nullopt = the model's own
  bool max_model_len_auto = false;             // the largest that fits the KV memory
  KvMemory kv;
  serve::ServerConfig server;
  net::http::HttpServerConfig http;  // without TLS, which needs files
  TlsOptions tls;
  kernels::ThreadRequest threads;
  std::size_t tokenizer_threads = 1;
  double shutdown_timeout_s = 0;
  std::string generation_config = "auto";  // auto, vllm, or a folder
  nlohmann::json override_generation_config;
  std::string chat_template;  // path or one-line template; "" = the model's
  std::string fingerprint_mode, fingerprint_value;
  int progress_fd = -1;
  log::Level log_level = log::Level::kInfo;
  std::vector<std::string> warnings;        // for the log
  std::vector<std::string> without_effect;  // accepted flags
};

// `environment` looks up a variable; nullopt when it is not set.
[[nodiscard]] Result<ServeOptions> resolve_serve_options(
    const cli::FlagValues& flags,
    const std::function<std::optional<std::string>(const char*)>& environment);

}  // namespace nacelle::apps
