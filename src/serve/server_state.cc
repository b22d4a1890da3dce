#include "serve/server_state.h"

#include <algorithm>

#include "tokenizer/tokenizer.h"

namespace nacelle::serve {
namespace {

std::size_t longest_token_bytes(const tokenizer::Tokenizer& tokenizer) {
  std::size_t longest = 1;
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto token = tokenizer.id_to_token(static_cast<TokenId>(id));
    if (token) longest = std::max(longest, token->size());
  }
  return longest;
}

}  // namespace

ServerState::ServerState(ServerConfig server_config, ServerParts server_parts)
    : config(std::move(server_config)),
      parts(std::move(server_parts)),
      longest_token(longest_token_bytes(*parts.tokenizer)),
      engine_metrics(parts.engine, config),
      http_metrics(metrics, config) {
  metrics.add_collector([this](telemetry::Snapshot& out) {
    engine_metrics.collect(out, std::chrono::steady_clock::now());
  });
}

openai::Check ServerState::check_model(const std::optional<std::string>& model) const {
  if (!model || config.skip_model_name_validation) return {};
  const auto& names = config.served_model_names;
  if (std::find(names.begin(), names.end(), *model) != names.end()) return {};
  return openai::model_not_found(*model);
}

}  // namespace nacelle::serve
