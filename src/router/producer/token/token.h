// token.h: how prompts become tokens for hashing: by estimate, or by an engine's tokenizer.
//
// Home:    immutable; who parses requests reads config().
// Source:  router.md section 9.4, `token-producer`.
#pragma once

#include <memory>
#include <string>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

struct TokenProducerConfig {
  enum class Backend { kEstimate, kVllm };
  Backend backend = Backend::kEstimate;
  std::string model;
  std::string model_path;     // of a folder with tokenizer.json; "": `model`, when it is one
  std::string chat_template;  // as --chat-template of the engines
  std::string vllm_url = "http://localhost:8000";
  Duration vllm_timeout = std::chrono::seconds(5);
};

class TokenProducer final : public Plugin {
 public:
  explicit TokenProducer(TokenProducerConfig config) : config_(std::move(config)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] const TokenProducerConfig& config() const { return config_; }

 private:
  TokenProducerConfig config_;
};

}  // namespace nacelle::router
