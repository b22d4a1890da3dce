#include "router/plugin_registry.h"

#include <algorithm>

#include "router/admitter/latency_slo/latency_slo.h"
#include "router/admitter/probabilistic/probabilistic.h"
#include "router/config/data_layer.h"
#include "router/config/flow_plugins.h"
#include "router/config/request_plugins.h"
#include "router/decider/always_disagg/always_disagg.h"
#include "router/decider/prefix_based_pd/prefix_based_pd.h"
#include "router/filter/concurrency_detector/concurrency_detector.h"
#include "router/filter/endpoint_attribute/endpoint_attribute.h"
#include "router/filter/header_based_testing/header_based_testing.h"
#include "router/filter/label_selector/label_selector.h"
#include "router/filter/prefix_cache_affinity/prefix_cache_affinity.h"
#include "router/filter/role/role.h"
#include "router/filter/session_affinity/session_affinity.h"
#include "router/filter/slo_headroom_tier/slo_headroom_tier.h"
#include "router/filter/topology_affinity/topology_affinity.h"
#include "router/filter/utilization/utilization.h"
#include "router/filter/utilization_detector/utilization_detector.h"
#include "router/handler/data_parallel/data_parallel.h"
#include "router/handler/disagg/disagg.h"
#include "router/handler/header_profile/header_profile.h"
#include "router/handler/single_profile/single_profile.h"
#include "router/picker/max_score/max_score.h"
#include "router/picker/random/random.h"
#include "router/picker/round_robin/round_robin.h"
#include "router/picker/weighted_random/weighted_random.h"
#include "router/producer/approx_prefix_cache/approx_prefix_cache.h"
#include "router/producer/inflight_load/inflight_load.h"
#include "router/producer/precise_prefix_cache/precise_prefix_cache.h"
#include "router/producer/predicted_latency/predicted_latency.h"
#include "router/producer/session_id/session_id.h"
#include "router/producer/token/token.h"
#include "router/scorer/active_request/active_request.h"
#include "router/scorer/context_length_aware/context_length_aware.h"
#include "router/scorer/endpoint_attribute/endpoint_attribute.h"
#include "router/scorer/header_label_affinity/header_label_affinity.h"
#include "router/scorer/kv_cache_utilization/kv_cache_utilization.h"
#include "router/scorer/latency/latency.h"
#include "router/scorer/load_aware/load_aware.h"
#include "router/scorer/load_cost/load_cost.h"
#include "router/scorer/lora_affinity/lora_affinity.h"
#include "router/scorer/no_hit_lru/no_hit_lru.h"
#include "router/scorer/prefix_cache/prefix_cache.h"
#include "router/scorer/queue/queue.h"
#include "router/scorer/running_requests/running_requests.h"
#include "router/scorer/session_affinity/session_affinity.h"
#include "router/scorer/token_load/token_load.h"
#include "router/scorer/topology_affinity/topology_affinity.h"
#include "router/verifier/served/served.h"

namespace nacelle::router {
namespace {

using enum Stability;
using flow::FairnessKind;
using flow::OrderingKind;

constexpr std::string_view kMultimodal = "multimodal input";
constexpr std::string_view kMulticluster = "scheduling over several clusters";
constexpr std::string_view kRollouts = "rollouts of DisaggregatedSet";

// Everything about one type on one line.
constexpr PluginType kFilters[] = {
    {"by-label", kDeprecated, LabelSelectorFilter::make_by_label, {}},
    {"by-label-selector", kDeprecated, LabelSelectorFilter::make_by_label, {}},
    {"concurrency-detector", kStable, ConcurrencyDetectorFilter::make, {}},
    {"context-length-aware", kStable, ContextLengthAware::make, {}},
    {"decode-filter", kStable, RoleFilter::make<Stage::kDecode>, {}},
    {"encode-filter", kStable, RoleFilter::make<Stage::kEncode>, {}},
    {"endpoint-attribute-filter", kAlpha, EndpointAttributeFilter::make, {}},
    {"header-based-testing-filter", kStable, HeaderBasedTestingFilter::make, {}},
    {"label-selector-filter", kStable, LabelSelectorFilter::make, {}},
    {"multicluster-session-affinity-filter", kAlpha, nullptr, kMulticluster},
    {"prefill-filter", kStable, RoleFilter::make<Stage::kPrefill>, {}},
    {"prefix-cache-affinity-filter", kStable, PrefixCacheAffinityFilter::make, {}},
    {"session-affinity-filter", kAlpha, SessionAffinityFilter::make, {}},
    {"slo-headroom-tier-filter", kStable, SloHeadroomTierFilter::make, {}},
    {"topology-affinity-filter", kAlpha, TopologyAffinityFilter::make, {}},
    {"utilization-detector", kStable, UtilizationDetectorFilter::make, {}},
    {"utilization-filter", kAlpha, UtilizationFilter::make, {}},
};

constexpr PluginType kScorers[] = {
    {"active-request-scorer", kStable, ActiveRequestScorer::make, {}},
    {"endpoint-attribute-scorer", kAlpha, EndpointAttributeScorer::make, {}},
    {"header-label-affinity-scorer", kAlpha, HeaderLabelAffinityScorer::make, {}},
    {"kv-cache-utilization-scorer", kStable, KvCacheUtilizationScorer::make, {}},
    {"latency-scorer", kStable, LatencyScorer::make, {}},
    {"load-aware-scorer", kStable, LoadAwareScorer::make, {}},
    {"load-cost-scorer", kStable, LoadCostScorer::make, {}},
    {"lora-affinity-scorer", kStable, LoraAffinityScorer::make, {}},
    {"mm-embeddings-cache-scorer", kStable, nullptr, kMultimodal},
    {"multicluster-kv-cache-utilization-scorer", kAlpha, nullptr, kMulticluster},
    {"multicluster-prefix-cache-scorer", kAlpha, nullptr, kMulticluster},
    {"multicluster-queue-scorer", kAlpha, nullptr, kMulticluster},
    {"no-hit-lru-scorer", kStable, NoHitLruScorer::make, {}},
    {"precise-prefix-cache-scorer", kDeprecated, PrefixCacheScorer::make_precise, {}},
    {"prefix-cache-scorer", kStable, PrefixCacheScorer::make, {}},
    {"queue-scorer", kStable, QueueScorer::make, {}},
    {"running-requests-size-scorer", kStable, RunningRequestsScorer::make, {}},
    {"session-affinity-scorer", kAlpha, SessionAffinityScorer::make, {}},
    {"token-load-scorer", kStable, TokenLoadScorer::make, {}},
    {"topology-affinity-scorer", kAlpha, TopologyAffinityScorer::make, {}},
};

constexpr PluginType kPickers[] = {
    {"max-score-picker", kStable, MaxScorePicker::make, {}},
    {"random-picker", kStable, RandomPicker::make, {}},
    {"round-robin-picker", kStable, RoundRobinPicker::make, {}},
    {"weighted-random-picker", kStable, WeightedRandomPicker::make, {}},
};

constexpr PluginType kHandlers[] = {
    {"always-disagg-multimodal-decider", kStable, AlwaysDisaggDecider::make<false>, {}},
    {"always-disagg-pd-decider", kStable, AlwaysDisaggDecider::make<true>, {}},
    {"data-parallel-profile-handler", kDeprecated, DataParallelProfileHandler::make, {}},
    {"disagg-headers-handler", kDeprecated, DisaggHeaders::make, {}},
    {"disagg-profile-handler", kStable, DisaggProfileHandler::make, {}},
    {"header-profile-handler", kAlpha, HeaderProfileHandler::make, {}},
    {"pd-profile-handler", kDeprecated, DisaggProfileHandler::make_pd, {}},
    {"prefill-header-handler", kDeprecated, DisaggHeaders::make, {}},
    {"prefix-based-pd-decider", kStable, PrefixBasedPdDecider::make, {}},
    {"single-profile-handler", kStable, SingleProfileHandler::make, {}},
};

constexpr PluginType kProducers[] = {
    {"approx-prefix-cache-producer", kStable, ApproxPrefixCache::make, {}},
    {"burst-prefix-cache-producer", kAlpha, nullptr, "holding requests for a window"},
    {"inflight-load-producer", kStable, InflightLoad::make, {}},
    {"mm-embeddings-cache-producer", kStable, nullptr, kMultimodal},
    {"multicluster-approx-prefix-cache-producer", kAlpha, nullptr, kMulticluster},
    {"p2p-source-producer", kAlpha, nullptr, "pulling cached blocks from a peer"},
    {"precise-prefix-cache-producer", kStable, PrecisePrefixCache::make, {}},
    {"predicted-latency-producer", kStable, PredictedLatency::make, {}},
    {"session-id-producer", kStable, SessionId::make, {}},
    {"token-producer", kStable, TokenProducer::make, {}},
    {"tokenizer", kDeprecated, TokenProducer::make, {}},
};

constexpr PluginType kAdmission[] = {
    {"agent-identity", kAlpha, AgentIdentity::make, {}},
    {"destination-endpoint-served-verifier", kStable, ServedVerifier::make, {}},
    {"disaggregatedset-rollout-screener", kAlpha, nullptr, kRollouts},
    {"latency-slo-admitter", kStable, LatencySloAdmitter::make, {}},
    {"probabilistic-admitter", kStable, ProbabilisticAdmitter::make, {}},
    {"request-attribute-reporter", kStable, nullptr, "CEL over the usage of an answer"},
};

constexpr PluginType kDataLayer[] = {
    {"core-metrics-extractor", kStable, CoreMetricsExtractor::make, {}},
    {"dcgm-data-source", kStable, HttpSource::make_dcgm, {}},
    {"dcgm-extractor", kStable, PlainDataPlugin::make_dcgm, {}},
    {"disaggregatedset-rollout-pod-extractor", kAlpha, nullptr, kRollouts},
    {"endpoint-notification-source", kStable, PlainDataPlugin::make_notifications, {}},
    {"file-discovery", kStable, FileDiscovery::make, {}},
    {"k8s-notification-source", kStable, PlainDataPlugin::make_k8s, {}},
    {"local-syncer", kStable, nullptr, "state shared between replicas"},
    {"metrics-data-source", kStable, HttpSource::make_metrics, {}},
    {"models-data-extractor", kStable, PlainDataPlugin::make_models, {}},
    {"models-data-source", kStable, HttpSource::make_models, {}},
    {"multicluster-file-discovery", kAlpha, nullptr, kMulticluster},
    {"multicluster-metrics-data-source", kAlpha, nullptr, kMulticluster},
    {"multicluster-metrics-extractor", kAlpha, nullptr, kMulticluster},
    {"topology-extractor", kStable, TopologyExtractor::make, {}},
};

constexpr PluginType kFlowControl[] = {
    {"edf-ordering-policy", kStable, OrderingPolicy::make<OrderingKind::kEdf>, {}},
    {"fcfs-ordering-policy", kStable, OrderingPolicy::make<OrderingKind::kFcfs>, {}},
    {"global-strict-fairness-policy",
     kStable,
     FairnessPolicy::make<FairnessKind::kGlobalStrict>,
     {}},
    {"priority-holdback-policy", kAlpha, UsageLimitPolicy::make_holdback, {}},
    {"priority-then-time-eviction-order-policy", kStable, EvictionPolicy::make, {}},
    {"program-aware-fairness", kStable, FairnessPolicy::make_program_aware, {}},
    {"round-robin-fairness-policy", kStable, FairnessPolicy::make<FairnessKind::kRoundRobin>, {}},
    {"sheddable-eviction-filter", kStable, EvictionPolicy::make, {}},
    {"slo-deadline-ordering-policy", kStable, OrderingPolicy::make<OrderingKind::kSloDeadline>, {}},
    {"soft-reflective-ceiling-policy", kAlpha, UsageLimitPolicy::make_reflective, {}},
    {"static-usage-limit-policy", kStable, UsageLimitPolicy::make_static, {}},
};

constexpr PluginType kParsers[] = {
    {"anthropic-parser", kStable, Parser::make, {}},
    {"openai-parser", kStable, Parser::make, {}},
    {"passthrough-parser", kStable, Parser::make, {}},
    {"sglanghttp-parser", kStable, Parser::make, {}},
    {"vertexai-parser", kStable, nullptr, "Vertex AI's gRPC methods"},
    {"vllmgrpc-parser", kStable, nullptr, "vLLM's gRPC methods"},
    {"vllmhttp-parser", kStable, Parser::make, {}},
};

std::vector<PluginType> make_types() {
  std::vector<PluginType> types;
  for (const std::span<const PluginType> kind :
       {std::span<const PluginType>(kFilters), std::span<const PluginType>(kScorers),
        std::span<const PluginType>(kPickers), std::span<const PluginType>(kHandlers),
        std::span<const PluginType>(kProducers), std::span<const PluginType>(kAdmission),
        std::span<const PluginType>(kDataLayer), std::span<const PluginType>(kFlowControl),
        std::span<const PluginType>(kParsers)}) {
    types.insert(types.end(), kind.begin(), kind.end());
  }
  std::sort(types.begin(), types.end(),
            [](const PluginType& a, const PluginType& b) { return a.type < b.type; });
  return types;
}

}  // namespace

std::span<const PluginType> plugin_types() {
  static const std::vector<PluginType> types = make_types();
  return types;
}

const PluginType* find_plugin_type(std::string_view type) {
  const auto types = plugin_types();
  const auto found = std::lower_bound(
      types.begin(), types.end(), type,
      [](const PluginType& a, std::string_view wanted) { return a.type < wanted; });
  return found != types.end() && found->type == type ? &*found : nullptr;
}

}  // namespace nacelle::router
