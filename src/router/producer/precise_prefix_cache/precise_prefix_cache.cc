#include "router/producer/precise_prefix_cache/precise_prefix_cache.h"

#include <algorithm>

namespace nacelle::router {
namespace {

void read_index(Fields& fields, PrecisePrefixConfig& out) {
  fields.object("kvBlockIndexConfig", [&](Fields& index) {
    index.object("inMemoryConfig", [&](Fields& memory) {
      memory.count("size", out.index_keys, 1, std::int64_t{1} << 40);
      memory.ignored("podCacheSize");  // a bit per endpoint needs no such limit
    });
    index.object("costAwareMemoryConfig",
                 [&](Fields& memory) { memory.quantity("size", out.index_bytes); });
    if (index.has("redisConfig") || index.has("valkeyConfig")) {
      index.problem("redisConfig", "not supported: the index lives in this process");
    }
    index.ignored("enableMetrics");  // always on
    index.ignored("metricsLoggingInterval");
  });
  fields.each("kvCacheBackendConfigs", [&, first = true](Fields& tier) mutable {
    if (std::exchange(first, false)) out.tier_weights.clear();
    std::string name;
    double weight = 1;
    tier.text("name", name);
    tier.number("weight", weight, 0, 1);
    if (name.empty()) return tier.problem("name", "is missing");
    out.tier_weights.emplace_back(std::move(name), weight);
  });
}

void read_events(Fields& fields, PrecisePrefixConfig& out) {
  fields.text("zmqEndpoint", out.zmq_endpoint);
  fields.text("topicFilter", out.topic_filter);
  fields.count("concurrency", out.concurrency, 1, 1024);
  fields.choice("engineType", out.engine_type,
                {{"vllm", PrecisePrefixConfig::EngineType::kVllm},
                 {"sglang", PrecisePrefixConfig::EngineType::kSglang}});
  fields.boolean("discoverPods", out.discover_pods);
  fields.each("publishers", [&](Fields& item) {
    KvPublisher publisher;
    item.text("endpoint", publisher.endpoint);
    item.text("events", publisher.events);
    item.text("replay", publisher.replay);
    if (publisher.endpoint.empty()) item.problem("endpoint", "is missing");
    if (publisher.events.empty()) item.problem("events", "is missing");
    out.publishers.push_back(std::move(publisher));
  });
  fields.object("podDiscoveryConfig", [&](Fields& pods) {
    pods.text("podLabelSelector", out.pod_label_selector);
    pods.text("podNamespace", out.pod_namespace);
    pods.count("socketPort", out.socket_port, 1, 65535);
    pods.count("replaySocketPort", out.replay_socket_port, 0, 65535);
  });
}

}  // namespace

PrecisePrefixConfig read_precise_prefix_config(Fields& fields) {
  PrecisePrefixConfig out;
  fields.object("tokenProcessorConfig", [&](Fields& tokens) {
    tokens.count("blockSizeTokens", out.block_size_tokens, 1, 1 << 16);
    tokens.count("blockSize", out.block_size_tokens, 1, 1 << 16);  // older name
    tokens.text("hashSeed", out.hash_seed);
    tokens.choice("hashAlgorithm", out.hash_algorithm,
                  {{"cbor-fnv", PrecisePrefixConfig::HashAlgorithm::kCborFnv},
                   {"xxh64", PrecisePrefixConfig::HashAlgorithm::kXxh64}});
  });
  fields.object("indexerConfig", [&](Fields& index) {
    read_index(index, out);
    index.object("tokenProcessorConfig", [&](Fields& tokens) {  // older place
      tokens.count("blockSizeTokens", out.block_size_tokens, 1, 1 << 16);
      tokens.count("blockSize", out.block_size_tokens, 1, 1 << 16);
      tokens.text("hashSeed", out.hash_seed);
    });
    index.ignored("tokenizersPoolConfig");  // prompts are tokenised in this process
  });
  fields.object("kvEventsConfig", [&](Fields& events) { read_events(events, out); });
  fields.boolean("speculativeIndexing", out.speculative_indexing);
  fields.duration("speculativeTTL", out.speculative_ttl);
  return out;
}

std::shared_ptr<Plugin> PrecisePrefixCache::make(Fields& fields, BuildContext& context) {
  return std::make_shared<PrecisePrefixCache>(
      context.add_prefix_source("precise-prefix-cache-producer"),
      read_precise_prefix_config(fields), context.profile("prefill"));
}

void PrecisePrefixCache::produce(DecisionInput& input) {
  PrefixColumn& column = input.prefix[source()];
  column.total_blocks = static_cast<std::uint32_t>(input.request.precise_hashes.size());
  column.block_size_tokens = input.request.precise_block_size_tokens;
  column.matched.clear();
  column.cached.clear();
  if (index_ == nullptr) return;
  const PoolView& pool = *input.pool;
  std::uint32_t ids = 0;
  for (std::uint32_t i = 0; i < pool.size(); ++i) {
    ids = std::max(ids, pool.endpoint(i).id.value + 1);
  }
  matched_.assign(ids, 0);
  cached_.assign(ids, 0);
  index_->match(input.request.precise_hashes, matched_, cached_);
  column.matched.resize(pool.size());
  column.cached.resize(pool.size());
  for (std::uint32_t i = 0; i < pool.size(); ++i) {
    column.matched[i] = matched_[pool.endpoint(i).id.value];
    column.cached[i] = cached_[pool.endpoint(i).id.value];
  }
}

void PrecisePrefixCache::committed(const DecisionInput& input, const Decision& decision) {
  if (index_ == nullptr || !config_.speculative_indexing) return;
  const auto place = [&](const ProfileResult& result) {
    if (!result.done()) return;
    index_->placed(input.pool->endpoint(result.targets.front().position).id,
                   input.request.precise_hashes, input.now);
  };
  place(decision.results[decision.primary]);
  if (prefill_profile_ && *prefill_profile_ != decision.primary) {
    place(decision.results[*prefill_profile_]);
  }
}

// What was speculated for the other endpoint expires by itself.
void PrecisePrefixCache::moved(const Move& move, std::vector<HeaderValue>&) {
  if (index_ == nullptr || !config_.speculative_indexing) return;
  index_->placed(move.to.id, move.precise_hashes, move.now);
}

}  // namespace nacelle::router
