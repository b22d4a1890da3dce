#include "router/config/router_setup.h"

#include <gtest/gtest.h>

namespace nacelle::router {
namespace {

constexpr std::string_view kHead = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n";

Result<RouterSetup> load(std::string_view body, bool experimental = false) {
  return load_router_setup(std::string(kHead) + std::string(body), "epp.yaml", {experimental});
}

std::string error(std::string_view body, bool experimental = false) {
  return load(body, experimental).error().message();
}

std::vector<std::string> scorers(const Profile& profile) {
  std::vector<std::string> out;
  for (const auto& step : profile.scorers)
    out.push_back(fmt::format("{} {}", step.name, step.weight));
  return out;
}
std::vector<std::string> filters(const Profile& profile) {
  std::vector<std::string> out;
  for (const auto& step : profile.filters) out.push_back(step.name);
  return out;
}
using Names = std::vector<std::string>;

TEST(RouterSetup, NothingAtAllIsUpstreamsDefault) {
  const auto setup = load_router_setup("", "");
  ASSERT_TRUE(setup) << setup.error().message();
  ASSERT_EQ(setup->schedule.profiles.size(), 1u);
  const Profile& profile = setup->schedule.profiles[0];
  EXPECT_EQ(profile.name, "default");
  EXPECT_EQ(scorers(profile),
            (Names{"queue-scorer 2", "kv-cache-utilization-scorer 2", "prefix-cache-scorer 3"}));
  EXPECT_EQ(filters(profile), Names{});
  EXPECT_EQ(profile.picker_name, "max-score-picker");
  EXPECT_EQ(setup->schedule.prefix_sources, (Names{"approx-prefix-cache-producer"}));
  EXPECT_TRUE(setup->data_layer.metrics);
  EXPECT_FALSE(setup->flow_control.enabled);
  EXPECT_EQ(setup->parsers,
            (Names{"openai-parser", "anthropic-parser", "vllmhttp-parser", "passthrough-parser"}));
}

TEST(RouterSetup, WithoutProfilesOneHasEveryStep) {
  const auto setup = load(
      "plugins:\n- type: decode-filter\n- {name: q, type: queue-scorer}\n"
      "- type: weighted-random-picker\n");
  ASSERT_TRUE(setup) << setup.error().message();
  const Profile& profile = setup->schedule.profiles[0];
  EXPECT_EQ(filters(profile), (Names{"decode-filter"}));
  EXPECT_EQ(scorers(profile), (Names{"q 1"}));
  EXPECT_EQ(profile.picker_name, "weighted-random-picker");
}

TEST(RouterSetup, ADeclaredPickerServesProfilesWithoutOne) {
  const auto setup = load(
      "plugins: [{type: queue-scorer}, {name: p, type: random-picker}]\n"
      "schedulingProfiles: [{name: a, plugins: [{pluginRef: queue-scorer}]}]\n");
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_EQ(setup->schedule.profiles[0].picker_name, "p");
}

TEST(RouterSetup, AConfiguredDetectorIsALastFilter) {
  const auto setup = load(
      "plugins: [{type: decode-filter}, {name: d, type: utilization-detector, parameters: "
      "{queueDepthThreshold: 7, metricsStalenessThreshold: 1s}}]\n"
      "saturationDetector: {pluginRef: d}\n");
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_EQ(filters(setup->schedule.profiles[0]), (Names{"decode-filter", "d"}));
  EXPECT_EQ(setup->flow_control.detector.queue_depth_threshold, 7);
  EXPECT_EQ(setup->flow_control.detector.metrics_staleness_threshold, std::chrono::seconds(1));
}

TEST(RouterSetup, FlowControlInFull) {
  const auto setup = load(R"(
featureGates: [flowControl]
plugins:
- {name: program, type: program-aware-fairness, parameters: {lasHalfLifeSeconds: 30}}
flowControl:
  maxBytes: 1Gi
  maxRequests: 2k
  defaultRequestTTL: 1m30s
  defaultPriorityBand: {maxRequests: 10}
  defaultNegativePriorityBand: {maxRequests: 5, orderingPolicyRef: edf-ordering-policy}
  priorityBands:
  - {priority: 10, maxBytes: 10M, fairnessPolicyRef: program}
  - {priority: -1, fairnessPolicyRef: round-robin-fairness-policy,
     orderingPolicyRef: slo-deadline-ordering-policy}
  usageLimitPolicyPluginRef: static-usage-limit-policy
  saturationDetector: {pluginRef: concurrency-detector}
  enableEviction: true
)");
  ASSERT_TRUE(setup) << setup.error().message();
  const flow::FlowControlConfig& flow = setup->flow_control;
  EXPECT_TRUE(flow.enabled);
  EXPECT_EQ(flow.max_bytes, std::uint64_t{1} << 30);
  EXPECT_EQ(flow.max_requests, 2000u);
  EXPECT_EQ(flow.default_request_ttl, std::chrono::seconds(90));
  EXPECT_FALSE(flow.no_endpoint_request_ttl);
  EXPECT_EQ(flow.default_band.max_requests, 10u);
  EXPECT_EQ(flow.default_negative_band.max_requests, 5u);
  EXPECT_EQ(flow.default_negative_band.ordering, flow::OrderingKind::kEdf);
  EXPECT_EQ(flow.bands.at(10).max_bytes, 10'000'000u);
  EXPECT_EQ(flow.bands.at(10).max_requests, 5000u);
  EXPECT_EQ(flow.bands.at(10).fairness, flow::FairnessKind::kProgramAware);
  EXPECT_EQ(flow.bands.at(10).program_aware.half_life, std::chrono::seconds(30));
  EXPECT_EQ(flow.bands.at(-1).fairness, flow::FairnessKind::kRoundRobin);
  EXPECT_EQ(flow.bands.at(-1).ordering, flow::OrderingKind::kSloDeadline);
  EXPECT_EQ(flow.detector.kind, flow::DetectorKind::kConcurrency);
  EXPECT_TRUE(flow.enable_eviction);
}

TEST(RouterSetup, OlderSpellingsAreRead) {
  const auto setup = load_router_setup(R"(
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: tokenizer, parameters: {modelName: m, estimate: {}}}
- {type: approx-prefix-cache-producer, parameters: {autoTune: false, blockSize: 1024}}
- {type: prefix-cache-scorer}
- {name: files, type: file-discovery, parameters: {path: /etc/endpoints.yaml, watchFile: true}}
- {name: core, type: core-metrics-extractor, parameters: {defaultEngine: sglang}}
parser: {pluginRef: openai-parser}
saturationDetector: {pluginRef: utilization-detector}
data:
  sources: [{pluginRef: metrics-data-source, extractors: [{pluginRef: core}]}]
  discovery: {pluginRef: files}
)",
                                       "old.yaml");
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_EQ(setup->parsers, (Names{"openai-parser"}));
  EXPECT_EQ(setup->data_layer.engines.default_engine, "sglang");
  EXPECT_EQ(setup->data_layer.endpoints_file, "/etc/endpoints.yaml");
  EXPECT_TRUE(setup->data_layer.watch_endpoints_file);
  EXPECT_EQ(setup->tokens.model, "m");
  EXPECT_EQ(setup->warnings, (Names{"plugin 'tokenizer': type tokenizer is deprecated"}));
}

TEST(RouterSetup, AConsumerBringsItsProducers) {
  const auto setup = load("plugins: [{type: latency-scorer}, {type: token-load-scorer}]\n");
  ASSERT_TRUE(setup) << setup.error().message();
  Names types;
  for (const auto& plugin : setup->schedule.plugins) types.push_back(plugin->type());
  EXPECT_EQ(types, (Names{"approx-prefix-cache-producer", "predicted-latency-producer",
                          "latency-scorer", "inflight-load-producer", "token-load-scorer",
                          "max-score-picker", "single-profile-handler"}));
}

TEST(RouterSetup, ProducersAreSharedByName) {
  const auto setup = load(R"(
plugins:
- {name: a, type: approx-prefix-cache-producer, parameters: {lruCapacityPerServer: 10}}
- {name: b, type: approx-prefix-cache-producer}
- {name: s1, type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName: b}}
- {name: s2, type: prefix-cache-scorer}
)");
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_EQ(setup->schedule.prefix_sources.size(), 2u);
}

TEST(RouterSetup, EveryProblemIsListedWithItsPath) {
  EXPECT_EQ(error(R"(
featureGates: [flowcontrol, haPopulateNonLeaderDatastore=maybe]
plugins:
- type: queue-scoerr
- {type: no-hit-lru-scorer, parameters: {lruSiz: 5}}
- {type: load-aware-scorer, parameters: {threshold: many}}
- {name: x, type: queue-scorer}
- {name: x, type: queue-scorer}
- {name: y}
schedulingProfile: []
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: no-hit-lru-scorr}
  - {pluginRef: max-score-picker, weight: 3}
flowControl: {maxRequest: 5}
)"),
            "epp.yaml:featureGates[0]: unknown feature gate 'flowcontrol'; did you mean "
            "'flowControl'?\n"
            "epp.yaml:featureGates[1]: 'maybe' is neither true nor false\n"
            "epp.yaml:plugins[4].name: another plugin is named 'x' too\n"
            "epp.yaml:plugins[5].type: is missing\n"
            "epp.yaml:flowControl.maxRequest: unknown field 'maxRequest'; did you mean "
            "'maxRequests'?\n"
            "epp.yaml:schedulingProfile: unknown field 'schedulingProfile'; did you mean "
            "'schedulingProfiles'?\n"
            "epp.yaml:plugins[0].type: unknown plugin type 'queue-scoerr'; did you mean "
            "'queue-scorer'?\n"
            "epp.yaml:plugins[1].parameters.lruSiz: unknown field 'lruSiz'; did you mean "
            "'lruSize'?\n"
            "epp.yaml:plugins[2].parameters.threshold: expected a number, got 'many'\n"
            "epp.yaml:schedulingProfiles[0].plugins[0].pluginRef: unknown plugin "
            "'no-hit-lru-scorr'; did you mean 'no-hit-lru-scorer'?\n"
            "epp.yaml:schedulingProfiles[0].plugins[1].pluginRef: unknown plugin "
            "'max-score-picker'; there are queue-scoerr, no-hit-lru-scorer, load-aware-scorer, x");
}

TEST(RouterSetup, RefusesWhatCannotRun) {
  struct Case {
    const char* body;
    const char* message;
  };
  const Case cases[] = {
      {"plugins: [{type: session-affinity-scorer}]",
       "epp.yaml:plugins[0].type: plugin type 'session-affinity-scorer' is Alpha; "
       "allow_experimental_plugins allows it"},
      {"plugins: [{type: multicluster-queue-scorer}]",
       "epp.yaml:plugins[0].type: not supported: multicluster-queue-scorer: scheduling over "
       "several clusters"},
      {"schedulingProfiles: [{name: a}, {name: b}]",
       "epp.yaml:schedulingProfiles: 2 profiles need a profile handler"},
      {"plugins: [{type: single-profile-handler}, {type: data-parallel-profile-handler}]",
       "epp.yaml:plugins: 'single-profile-handler' and 'data-parallel-profile-handler' are both "
       "profile handlers; there is one"},
      {"plugins: [{type: random-picker}, {type: max-score-picker}]",
       "epp.yaml:plugins[1]: 'max-score-picker' is a second picker"},
      {"plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: "
       "queue-scorer}]}]\nsaturationDetector: {pluginRef: queue-scorer}",
       "epp.yaml:saturationDetector.pluginRef: 'queue-scorer' of type queue-scorer is no "
       "saturation detector"},
      {"plugins: [{name: p, type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName: "
       "p}}]",
       "epp.yaml:plugins[0]: plugin 'p' refers to itself"},
      {"dataLayer: {crossReplicaSyncerPluginRef: x}",
       "epp.yaml:dataLayer.crossReplicaSyncerPluginRef: not supported: state shared between "
       "replicas"},
  };
  for (const Case& c : cases) EXPECT_EQ(error(c.body), c.message) << c.body;
  EXPECT_EQ(load_router_setup("kind: Other", "f").error().message(),
            "f:apiVersion: unknown API version ''; there are llm-d.ai/v1alpha1, "
            "inference.networking.x-k8s.io/v1alpha1\nf:kind: 'Other' is not EndpointPickerConfig");
  EXPECT_EQ(load_router_setup("a: [", "f").error().code(), Code::kInvalidArgument);
}

TEST(RouterSetup, WhatHasNoEffectIsSaid) {
  const auto setup = load_router_setup(R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: token-producer, parameters: {modelName: m, vllm: {url: "http://tokens:8000"}}}
- {type: models-data-source}
- {type: models-data-extractor}
- {type: dcgm-data-source, parameters: {port: 9401}}
- {type: dcgm-extractor}
- {type: k8s-notification-source, parameters: {version: v1, kind: Pod}}
- {type: endpoint-notification-source}
- {type: queue-scorer}
)",
                                       "epp.yaml");
  ASSERT_EQ(setup.error().message(), "");
  const std::pair<const char*, const char*> rows[] = {
      {"plugins[0].parameters.vllm: no effect", "four bytes are a token"},
      {"plugins[1].parameters: no effect", "/v1/models is not read"},
      {"plugins[2].parameters: no effect", "/v1/models is not read"},
      {"plugins[3].parameters: no effect", "GPUUtilization is missing"},
      {"plugins[4].parameters: no effect", "GPUUtilization is missing"},
      {"plugins[5].parameters: no effect", "nothing here acts on notifications"},
      {"plugins[6].parameters: no effect", "nothing here acts on notifications"},
  };
  ASSERT_EQ(setup->warnings.size(), std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    EXPECT_TRUE(setup->warnings[i].starts_with(rows[i].first)) << setup->warnings[i];
    EXPECT_NE(setup->warnings[i].find(rows[i].second), std::string::npos) << setup->warnings[i];
  }
  EXPECT_TRUE(load_router_setup("", "defaults")->warnings.empty());
}

TEST(RouterSetup, EveryTypeHasEitherAFactoryOrAReason) {
  for (const PluginType& type : plugin_types()) {
    EXPECT_NE(type.make == nullptr, type.not_supported.empty()) << type.type;
    EXPECT_EQ(find_plugin_type(type.type), &type);
  }
  EXPECT_EQ(find_plugin_type("nothing"), nullptr);
}

}  // namespace
}  // namespace nacelle::router
