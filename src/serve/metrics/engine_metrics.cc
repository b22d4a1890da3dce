#include "serve/metrics/engine_metrics.h"

#include <string>
#include <string_view>

namespace nacelle::serve {
namespace {

using engine::Stats;
using telemetry::Labels;
using telemetry::Snapshot;

std::string_view to_string(engine::HashAlgorithm algorithm) {
  switch (algorithm) {
    case engine::HashAlgorithm::kSha256:
      return "sha256";
    case engine::HashAlgorithm::kSha256Cbor:
      return "sha256_cbor";
    case engine::HashAlgorithm::kXxhash:
      return "xxhash";
    case engine::HashAlgorithm::kXxhashCbor:
      return "xxhash_cbor";
  }
  return "sha256";
}

// Booleans as Python prints them.
std::string python_bool(bool value) { return value ? "True" : "False"; }

Labels cache_config_labels(const engine::EngineConfig& engine, const ServerConfig& config) {
  Labels labels = {
      {"engine", config.engine_label},
      {"block_size", std::to_string(engine.block_size)},
      {"num_gpu_blocks", std::to_string(engine.num_blocks)},
      {"enable_prefix_caching", python_bool(engine.enable_prefix_caching)},
      {"prefix_caching_hash_algo", std::string(to_string(engine.hash_algorithm))},
  };
  labels.insert(labels.end(), config.cache_config_labels.begin(), config.cache_config_labels.end());
  return labels;
}

struct HistogramRow {
  std::string_view name;
  std::string_view help;
  engine::Histogram Stats::*member;
};

constexpr HistogramRow kHistograms[] = {
    {"vllm:iteration_tokens_total", "Tokens per engine step.", &Stats::iteration_tokens},
    {"vllm:request_prompt_tokens", "Prompt tokens of a request.", &Stats::request_prompt_tokens},
    {"vllm:request_generation_tokens", "Tokens generated for a request.",
     &Stats::request_generation_tokens},
    {"vllm:request_max_num_generation_tokens", "Most tokens that a request could generate.",
     &Stats::request_max_num_generation_tokens},
    {"vllm:request_params_max_tokens", "The max_tokens of a request.",
     &Stats::request_params_max_tokens},
    {"vllm:request_prefill_kv_computed_tokens", "Prompt tokens computed, not found in the cache.",
     &Stats::request_prefill_kv_computed_tokens},
    {"vllm:time_to_first_token_seconds", "Arrival to first token.", &Stats::time_to_first_token},
    {"vllm:inter_token_latency_seconds", "Time between tokens of a sequence.",
     &Stats::inter_token_latency},
    {"vllm:time_per_output_token_seconds", "Old name of vllm:inter_token_latency_seconds.",
     &Stats::inter_token_latency},
    {"vllm:request_time_per_output_token_seconds", "Mean time per token of a request.",
     &Stats::time_per_output_token},
    {"vllm:e2e_request_latency_seconds", "Arrival to last token.", &Stats::e2e_latency},
    {"vllm:request_queue_time_seconds", "Time in the waiting queue.", &Stats::queue_time},
    {"vllm:request_inference_time_seconds", "First scheduling to last token.",
     &Stats::inference_time},
    {"vllm:request_prefill_time_seconds", "First scheduling to first token.", &Stats::prefill_time},
    {"vllm:request_decode_time_seconds", "First to last token.", &Stats::decode_time},
};

void write_histogram(Snapshot& out, const HistogramRow& row, const Labels& labels,
                     const engine::Histogram& histogram) {
  std::vector<std::pair<double, std::uint64_t>> cumulative;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    count += histogram.counts[i];
    if (i < histogram.bounds.size()) cumulative.emplace_back(histogram.bounds[i], count);
  }
  out.histogram(row.name, row.help, labels, cumulative, count, histogram.sum);
}

}  // namespace

EngineMetrics::EngineMetrics(const engine::Engine& engine, const ServerConfig& config)
    : engine_(engine),
      labels_{{"model_name", config.served_model_names.front()}, {"engine", config.engine_label}},
      cache_labels_(cache_config_labels(engine.config(), config)),
      decode_rate_(10s) {}

Labels EngineMetrics::with(std::string_view name, std::string_view value) const {
  Labels labels = labels_;
  labels.emplace_back(name, value);
  return labels;
}

void EngineMetrics::collect(Snapshot& out, TimePoint now) {
  const std::shared_ptr<const Stats> stats = engine_.stats();
  if (!stats) return;
  collect_gauges(out, *stats, now);
  collect_counters(out, *stats);
  collect_speculation(out, *stats);
  collect_kv_events(out);
  collect_histograms(out, *stats);
}

void EngineMetrics::collect_gauges(Snapshot& out, const Stats& stats, TimePoint now) {
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    out.gauge(name, help, labels_, value);
  };
  gauge("vllm:num_requests_running", "Sequences in the running list.", stats.num_running);
  gauge("vllm:num_requests_waiting", "Sequences that wait to run.", stats.num_waiting);
  constexpr std::string_view kByReason = "vllm:num_requests_waiting_by_reason";
  constexpr std::string_view kByReasonHelp = "Sequences that wait, by what they wait for.";
  out.gauge(kByReason, kByReasonHelp, with("reason", "capacity"), stats.num_waiting);
  out.gauge(kByReason, kByReasonHelp, with("reason", "deferred"), 0);
  gauge("vllm:kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.", stats.kv_cache_usage);
  gauge("vllm:gpu_cache_usage_perc", "Old name of vllm:kv_cache_usage_perc.", stats.kv_cache_usage);

  double rate = 0;
  {
    std::lock_guard lock(mutex_);
    rate = decode_rate_.sample(now, stats.generation_tokens);
  }
  gauge("vllm:decode_tokens_per_second", "Tokens generated per second, last 10 seconds.", rate);

  constexpr std::string_view kSleep = "vllm:engine_sleep_state";
  constexpr std::string_view kSleepHelp = "1 for the state that the engine is in.";
  out.gauge(kSleep, kSleepHelp, with("sleep_state", "awake"), 1);
  out.gauge(kSleep, kSleepHelp, with("sleep_state", "weights_offloaded"), 0);
  out.gauge(kSleep, kSleepHelp, with("sleep_state", "discard_all"), 0);
  out.gauge("vllm:cache_config_info", "The cache's configuration, as labels.", cache_labels_, 1);
}

void EngineMetrics::collect_counters(Snapshot& out, const Stats& stats) const {
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(name, help, labels_, static_cast<double>(value));
  };
  counter("vllm:prefix_cache_queries_total", "Tokens looked up in the prefix cache.",
          stats.prefix_cache_queries);
  counter("vllm:prefix_cache_hits_total", "Tokens found in the prefix cache.",
          stats.prefix_cache_hits);
  counter("vllm:external_prefix_cache_queries_total", "Tokens looked up outside this engine.", 0);
  counter("vllm:external_prefix_cache_hits_total", "Tokens found outside this engine.", 0);
  counter("vllm:mm_cache_queries_total", "Multimodal items looked up.", 0);
  counter("vllm:mm_cache_hits_total", "Multimodal items found.", 0);
  counter("vllm:num_preemptions_total", "Sequences preempted.", stats.num_preemptions);
  counter("vllm:prompt_tokens_total", "Prompt tokens processed.", stats.prompt_tokens);
  counter("vllm:prompt_tokens_cached_total", "Prompt tokens found in the cache.",
          stats.prompt_tokens_cached);
  counter("vllm:generation_tokens_total", "Tokens generated.", stats.generation_tokens);

  const auto by = [&](std::string_view name, std::string_view help, std::string_view label,
                      std::string_view value, std::uint64_t count) {
    out.counter(name, help, with(label, value), static_cast<double>(count));
  };
  constexpr std::string_view kSource = "vllm:prompt_tokens_by_source_total";
  constexpr std::string_view kSourceHelp = "Prompt tokens by where their KV came from.";
  const std::uint64_t computed =
      stats.prompt_tokens - std::min(stats.prompt_tokens, stats.prompt_tokens_cached);
  by(kSource, kSourceHelp, "source", "local_compute", computed);
  by(kSource, kSourceHelp, "source", "local_cache_hit", stats.prompt_tokens_cached);
  by(kSource, kSourceHelp, "source", "external_kv_transfer", 0);

  constexpr std::string_view kSuccess = "vllm:request_success_total";
  constexpr std::string_view kSuccessHelp = "Finished sequences by reason.";
  by(kSuccess, kSuccessHelp, "finished_reason", "stop", stats.finished_stop);
  by(kSuccess, kSuccessHelp, "finished_reason", "length", stats.finished_length);
  by(kSuccess, kSuccessHelp, "finished_reason", "abort", stats.finished_abort);
  by(kSuccess, kSuccessHelp, "finished_reason", "error", stats.finished_error);
  by(kSuccess, kSuccessHelp, "finished_reason", "repetition", 0);
}

void EngineMetrics::collect_kv_events(Snapshot& out) const {
  if (!engine_.config().kv_events.enabled) return;
  const engine::KvEventStats stats = engine_.kv_event_stats();
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(name, help, labels_, static_cast<double>(value));
  };
  counter("nacelle_kv_events_messages_total", "Messages of KV events published.", stats.messages);
  counter("nacelle_kv_events_events_total", "KV events in those messages.", stats.events);
  counter("nacelle_kv_events_overflows_total",
          "Times that KV events were given up for an AllBlocksCleared.", stats.overflows);
  counter("nacelle_kv_events_replay_requests_total", "Replays that subscribers asked for.",
          stats.replay_requests);
  counter("nacelle_kv_events_replayed_messages_total", "Messages sent in replays.",
          stats.replayed_messages);
}

void EngineMetrics::collect_speculation(Snapshot& out, const Stats& stats) const {
  if (stats.num_accepted_per_position.empty()) return;
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(name, help, labels_, static_cast<double>(value));
  };
  counter("vllm:spec_decode_num_drafts_total", "Times that a sequence had drafts in a step.",
          stats.num_drafts);
  counter("vllm:spec_decode_num_draft_tokens_total", "Draft tokens verified.",
          stats.num_draft_tokens);
  counter("vllm:spec_decode_num_accepted_tokens_total", "Draft tokens accepted.",
          stats.num_accepted_tokens);
  for (std::size_t i = 0; i < stats.num_accepted_per_position.size(); ++i) {
    out.counter("vllm:spec_decode_num_accepted_tokens_per_pos_total",
                "Draft tokens accepted, by their place among the drafts.",
                with("position", std::to_string(i)),
                static_cast<double>(stats.num_accepted_per_position[i]));
  }
}

void EngineMetrics::collect_histograms(Snapshot& out, const Stats& stats) const {
  for (const HistogramRow& row : kHistograms) {
    write_histogram(out, row, labels_, stats.*row.member);
  }
}

}  // namespace nacelle::serve
