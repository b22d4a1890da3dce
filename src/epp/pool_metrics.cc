#include "epp/pool_metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace nacelle::epp {
namespace {

using telemetry::LabelNames;
using telemetry::Labels;
using telemetry::Metrics;
using telemetry::Snapshot;
using telemetry::TwinName;

const std::vector<double> kShortSeconds{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};
const std::vector<double> kShares{0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1};
const std::vector<double> kHitBytes{0,    16,   32,   64,   128,   256,   512,
                                    1024, 2048, 4096, 8192, 16384, 32768, 65536};
constexpr std::uint64_t kBytesPerToken = 4;  // as the estimating tokenizer packs them

TwinName twin(std::string_view name, std::string_view old_prefix, std::string help,
              LabelNames labels) {
  return {.name = fmt::format("llm_d_epp_{}", name),
          .old_name = fmt::format("{}{}", old_prefix, name),
          .help = std::move(help),
          .labels = std::move(labels)};
}

// A value at scrape time under both names.
struct Both {
  std::string name, old_name, help;

  [[nodiscard]] std::string current_help() const { return "[ALPHA] " + help; }
  [[nodiscard]] std::string old_help() const {
    return fmt::format("[ALPHA] [Deprecated: Use {}] {}", name, help);
  }
};

const Both kPerEndpoint{"llm_d_epp_per_endpoint_queue_size", "inference_pool_per_pod_queue_size",
                        "Waiting requests of one endpoint."};
const Both kIndexSize{"llm_d_epp_prefix_indexer_size", "inference_extension_prefix_indexer_size",
                      "Blocks in the prefix index."};
const Both kPollErrors{"llm_d_epp_datalayer_poll_errors_total",
                       "llm_d_inference_scheduler_datalayer_poll_errors_total",
                       "Scrapes that got no metrics."};
const Both kExtractErrors{"llm_d_epp_datalayer_extract_errors_total",
                          "llm_d_inference_scheduler_datalayer_extract_errors_total",
                          "Scrapes whose text held no metric of the engine."};

}  // namespace

PoolMetrics::Spread PoolMetrics::spread(Metrics& m, std::string_view what,
                                        std::string_view help) const {
  const LabelNames labels{"name"};
  Spread out;
  out.mean = twin_gauge(m, twin(fmt::format("average_{}", what), "inference_pool_",
                                fmt::format("Mean of {} over the pool.", help), labels))
                 .with({options_.pool});
  out.deviation =
      &m.gauge(fmt::format("llm_d_epp_std_dev_{}", what),
               fmt::format("[ALPHA] Standard deviation of {} over the pool.", help), labels)
           .with({options_.pool});
  return out;
}

PoolMetrics::PoolMetrics(Metrics& m, router::Router& router, Options options)
    : router_(router),
      options_(std::move(options)),
      kv_(spread(m, "kv_cache_utilization", "KV cache use")),
      queue_(spread(m, "queue_size", "waiting requests")),
      running_(spread(m, "running_requests", "running requests")),
      ready_(twin_gauge(m, {.name = "llm_d_epp_ready_endpoints",
                            .old_name = "inference_pool_ready_pods",
                            .help = "Endpoints that serve.",
                            .labels = {"name"}})
                 .with({options_.pool})),
      plugin_duration_(twin_histogram(m,
                                      twin("plugin_duration_seconds", "inference_extension_",
                                           fmt::format("Time of one plugin; of one pick in {}.",
                                                       router::Router::kObservedPicks),
                                           {"extension_point", "plugin_type", "plugin_name"}),
                                      kShortSeconds)) {
  if (!options_.version.empty()) {
    twin_gauge(m, twin("info", "inference_extension_", "This build.", {"commit", "build_ref"}))
        .with({"unknown", options_.version})
        .set(1);
  }
  // Plugins are pure or own their state, so none can touch what it did not declare.
  m.counter("llm_d_epp_plugin_data_scope_violations_total",
            "[ALPHA] Plugins that touched data which they had not declared.")
      .with({});
  if (const router::Plugin* producer = router.prefix_producer()) {
    const LabelNames labels{"plugin_name", "plugin_type"};
    const telemetry::LabelValues values{producer->name(), producer->type()};
    hit_ratio_ = twin_histogram(m,
                                twin("prefix_indexer_hit_ratio", "inference_extension_",
                                     "Share of a prompt that the chosen endpoint held.", labels),
                                kShares)
                     .with(values);
    hit_bytes_ = twin_histogram(m,
                                twin("prefix_indexer_hit_bytes", "inference_extension_",
                                     "Bytes of a prompt that the chosen endpoint held.", labels),
                                kHitBytes)
                     .with(values);
  }
  m.add_collector([this](Snapshot& out) { collect(out); });
  router_.observe_steps(this);
}

PoolMetrics::~PoolMetrics() { router_.observe_steps(nullptr); }

void PoolMetrics::look_at(const router::PoolSnapshot& pool) {
  std::vector<double> kv, waiting, running;
  for (const router::EndpointSnapshot& endpoint : pool.endpoints) {
    if (!endpoint.serving) continue;
    kv.push_back(endpoint.metrics.kv_usage);
    waiting.push_back(endpoint.metrics.waiting_requests);
    running.push_back(endpoint.metrics.running_requests);
  }
  ready_.set(static_cast<double>(kv.size()));
  const auto tell = [](const Spread& spread, const std::vector<double>& values) {
    const double count = std::max<double>(static_cast<double>(values.size()), 1);
    double sum = 0;
    for (const double value : values) sum += value;
    const double mean = sum / count;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    spread.mean.set(mean);
    spread.deviation->set(std::sqrt(squares / count));
  };
  tell(kv_, kv);
  tell(queue_, waiting);
  tell(running_, running);
}

void PoolMetrics::placed(const router::Placement& placement) {
  if (placement.total_blocks() == 0) return;
  const double share = static_cast<double>(placement.matched_blocks()) / placement.total_blocks();
  const std::uint64_t tokens =
      std::uint64_t{placement.matched_blocks()} * placement.block_size_tokens();
  if (!hit_ratio_.told()) return;
  hit_ratio_.observe(share);
  hit_bytes_.observe(static_cast<double>(tokens * kBytesPerToken));
}

void PoolMetrics::collect(Snapshot& out) const {
  const auto gauge = [&](const Both& both, Labels labels, const Labels& old_labels, double value) {
    out.gauge(both.name, both.current_help(), labels, value);
    out.gauge(both.old_name, both.old_help(), old_labels, value);
  };
  const auto counter = [&](const Both& both, const Labels& labels, std::uint64_t value) {
    out.counter(both.name, both.current_help(), labels, static_cast<double>(value));
    out.counter(both.old_name, both.old_help(), labels, static_cast<double>(value));
  };
  for (const router::EndpointSnapshot& endpoint : router_.pool()->endpoints) {
    const std::string& name = endpoint.name.empty() ? endpoint.address : endpoint.name;
    gauge(kPerEndpoint, {{"name", options_.pool}, {"model_server_endpoint", name}},
          {{"name", options_.pool}, {"model_server_pod", name}}, endpoint.metrics.waiting_requests);
  }
  for (const auto& [plugin, size] : router_.prefix_index_sizes()) {
    const Labels labels{{"plugin_name", plugin->name()}, {"plugin_type", plugin->type()}};
    gauge(kIndexSize, labels, labels, static_cast<double>(size));
  }
  if (!options_.scrape_errors) return;
  const router::ScrapeErrors errors = options_.scrape_errors();
  counter(kPollErrors, {{"source_type", "metrics-data-source"}}, errors.polls);
  counter(kExtractErrors,
          {{"source_type", "metrics-data-source"}, {"extractor_type", "core-metrics-extractor"}},
          errors.extracts);
}

void PoolMetrics::began() { began_ = std::chrono::steady_clock::now(); }

void PoolMetrics::ended(router::Step step, const router::Plugin& plugin) {
  const double seconds = to_seconds(std::chrono::steady_clock::now() - began_);
  auto& of_plugin = durations_[&plugin];
  auto found = of_plugin.find(step);
  if (found == of_plugin.end()) {
    const telemetry::LabelValues values{std::string(to_string(step)), plugin.type(), plugin.name()};
    found = of_plugin.emplace(step, plugin_duration_.with(values)).first;
  }
  found->second.observe(seconds);
}

}  // namespace nacelle::epp
