// precise_prefix_cache.h: prefix matches as the engines' own KV events tell them.
//
// The parameters are read here; the index that is fed by events is made from them in
// router/precise_prefix.h and attached. Until then nothing matches.
//
// Home:    the router's lock.
// Source:  router.md section 11.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/prefix_match_source.h"
#include "router/producer/prefix_producer.h"

namespace nacelle::router {

// Where one endpoint publishes its KV events, when it is not `socketPort` of its host.
struct KvPublisher {
  std::string endpoint;  // host:port, or its name
  std::string events;    // "tcp://127.0.0.1:5601"
  std::string replay;    // "" = no replay
};

struct PrecisePrefixConfig {
  enum class HashAlgorithm { kCborFnv, kXxh64 };
  enum class EngineType { kVllm, kSglang };

  std::uint32_t block_size_tokens = 16;
  std::string hash_seed;
  HashAlgorithm hash_algorithm = HashAlgorithm::kCborFnv;

  std::uint64_t index_keys = 100'000'000;  // inMemoryConfig.size
  std::uint64_t index_bytes = 0;           // costAwareMemoryConfig.size; 0: bounded by keys alone
  std::vector<std::pair<std::string, double>> tier_weights = {{"gpu", 1.0}, {"cpu", 0.8}};

  std::string zmq_endpoint;  // bind here; "": connect to each engine
  std::string topic_filter = "kv@";
  std::uint32_t concurrency = 4;
  EngineType engine_type = EngineType::kVllm;
  bool discover_pods = true;
  std::string pod_label_selector = "llm-d.ai/inference-serving=true";
  std::string pod_namespace;
  std::uint16_t socket_port = 5557;
  std::uint16_t replay_socket_port = 0;  // 0: off
  std::vector<KvPublisher> publishers;

  bool speculative_indexing = false;
  Duration speculative_ttl = std::chrono::seconds(2);
};

// Reads the producer's parameters; the deprecated scorer embeds the same ones.
[[nodiscard]] PrecisePrefixConfig read_precise_prefix_config(Fields& fields);

class PrecisePrefixCache final : public PrefixProducer {
 public:
  PrecisePrefixCache(PrefixSourceId source, PrecisePrefixConfig config,
                     std::optional<std::uint32_t> prefill_profile)
      : PrefixProducer(source), config_(std::move(config)), prefill_profile_(prefill_profile) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);

  [[nodiscard]] const PrecisePrefixConfig& config() const { return config_; }
  void attach(std::shared_ptr<PrefixMatchSource> index) { index_ = std::move(index); }
  [[nodiscard]] bool attached() const { return index_ != nullptr; }

  PrecisePrefixCache* precise() override { return this; }
  void produce(DecisionInput& input) override;
  void committed(const DecisionInput& input, const Decision& decision) override;
  void moved(const Move& move, std::vector<HeaderValue>& response_headers) override;
  void forget(EndpointId endpoint) override {
    if (index_ != nullptr) index_->forget(endpoint);
  }

 private:
  PrecisePrefixConfig config_;
  std::optional<std::uint32_t> prefill_profile_;
  std::shared_ptr<PrefixMatchSource> index_;
  std::vector<std::uint32_t> matched_, cached_;  // by id, reused between picks
};

}  // namespace nacelle::router
