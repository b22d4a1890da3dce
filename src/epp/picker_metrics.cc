#include "epp/picker_metrics.h"

#include <fmt/format.h>

namespace nacelle::epp {
namespace {

using telemetry::LabelNames;
using telemetry::TwinName;
using OldLabels = std::vector<std::pair<std::string, std::string>>;

const LabelNames kRequest{"model_name", "target_model_name", "fairness_id", "priority"};
const OldLabels kOldModels{{"model_name", "model_name"},
                           {"target_model_name", "target_model_name"}};
constexpr std::size_t kManyChildren = 20'000;

TwinName objective(std::string_view name, std::string_view old, std::string help,
                   LabelNames labels = kRequest, OldLabels old_labels = kOldModels) {
  return {.name = fmt::format("llm_d_epp_{}", name),
          .old_name = old.empty() ? std::string() : fmt::format("inference_objective_{}", old),
          .help = std::move(help),
          .labels = std::move(labels),
          .old_labels = std::move(old_labels),
          .max_children = kManyChildren};
}

TwinName pool_gauge(std::string_view name, std::string_view old, std::string help) {
  return {.name = fmt::format("llm_d_epp_{}", name),
          .old_name = fmt::format("inference_pool_{}", old),
          .help = std::move(help),
          .labels = {"name"}};
}

std::vector<double> doubled(double from, double to) {
  std::vector<double> out;
  for (double bound = from; bound <= to; bound *= 2) out.push_back(bound);
  return out;
}

const std::vector<double> kSeconds{.005, .025, .05, .1,  .2,  .4,  .6,  .8,   1,    1.25, 1.5, 2,
                                   3,    4,    5,   6,   8,   10,  15,  20,   30,   45,   60,  120,
                                   180,  240,  300, 360, 480, 600, 900, 1200, 1800, 2700, 3600};
const std::vector<double> kFirstByteSeconds{.005, .025, .05, .1, .2, .4, .6, .8,
                                            1,    1.25, 1.5, 2,  3,  4,  5,  6,
                                            8,    10,   15,  20, 30, 45, 60, 120};
const std::vector<double> kShortSeconds{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};
const std::vector<double> kInputTokens{1,     8,      16,     32,     64,     128,   256,
                                       512,   1024,   2048,   4096,   8192,   16384, 32778,
                                       65536, 131072, 262144, 524288, 1048576};
const std::vector<double> kOutputTokens{1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};
const std::vector<double> kResponseBytes{1,    8,    16,   32,   64,    128,   256,  512,
                                         1024, 2048, 4096, 8192, 16384, 32778, 65536};

LabelNames with(LabelNames labels, const char* one) {
  labels.emplace_back(one);
  return labels;
}

}  // namespace

PickerMetrics::PickerMetrics(telemetry::Metrics& m, std::string pool)
    : streams_inflight(m.gauge("llm_d_epp_extproc_streams_inflight",
                               "[ALPHA] Streams of the proxy that are open.")
                           .with({})),
      streams_total(
          m.counter("llm_d_epp_extproc_streams_total", "[ALPHA] Streams by their end.", {"code"})),
      pool_name_(std::move(pool)),
      requests_(twin_counter(m, objective("request_total", "request_total", "Requests.", kRequest,
                                          {{"model_name", "model_name"},
                                           {"target_model_name", "target_model_name"},
                                           {"priority", "priority"}}))),
      errors_(twin_counter(m, objective("request_error_total", "request_error_total",
                                        "Requests that failed.", with(kRequest, "error_code"),
                                        {{"model_name", "model_name"},
                                         {"target_model_name", "target_model_name"},
                                         {"error_code", "error_code"}}))),
      rewrites_(twin_counter(m, {.name = "llm_d_epp_model_rewrite_decisions_total",
                                 .old_name = "inference_extension_model_rewrite_decisions_total",
                                 .help = "Requests whose model was replaced.",
                                 .labels = {"model_rewrite_name", "model_name", "target_model"}})),
      running_(twin_gauge(m, objective("request_running", "running_requests", "Requests in hand.",
                                       kRequest, {{"model_name", "model_name"}}))),
      ready_(twin_gauge(m, pool_gauge("ready_endpoints", "ready_pods", "Endpoints that serve."))),
      kv_(twin_gauge(m, pool_gauge("average_kv_cache_utilization", "average_kv_cache_utilization",
                                   "Mean KV use of the pool."))),
      queue_(twin_gauge(
          m, pool_gauge("average_queue_size", "average_queue_size", "Mean of waiting requests."))),
      running_average_(
          twin_gauge(m, pool_gauge("average_running_requests", "average_running_requests",
                                   "Mean of running requests."))),
      duration_(twin_histogram(
          m,
          objective("request_duration_seconds", "request_duration_seconds", "Time of a request."),
          kSeconds)),
      size_(twin_histogram(
          m, objective("request_size_bytes", "request_sizes", "Bytes of a request's body."),
          doubled(64, 1 << 30))),
      response_size_(twin_histogram(
          m, objective("response_size_bytes", "response_sizes", "Bytes of an answer."),
          kResponseBytes)),
      input_(twin_histogram(m, objective("request_input_tokens", "input_tokens", "Prompt tokens."),
                            kInputTokens)),
      output_(twin_histogram(
          m, objective("request_output_tokens", "output_tokens", "Generated tokens."),
          kOutputTokens)),
      cached_(twin_histogram(m,
                             objective("request_cached_tokens", "prompt_cached_tokens",
                                       "Prompt tokens found in a cache."),
                             kInputTokens)),
      ttft_(twin_histogram(
          m,
          objective("request_ttft_seconds", "", "Time to the first byte of the answer's body.",
                    with(kRequest, "streaming"), {}),
          kFirstByteSeconds)),
      scheduler_(twin_histogram(m,
                                {.name = "llm_d_epp_scheduler_e2e_duration_seconds",
                                 .old_name = "inference_extension_scheduler_e2e_duration_seconds",
                                 .help = "Time of one pick.",
                                 .labels = {}},
                                kShortSeconds)
                     .with({})) {}

RequestLabels PickerMetrics::labels(std::string_view model, std::string_view target_model,
                                    std::string_view fairness_id, int priority) {
  return {.model = std::string(model_cap_(model)),
          .target_model = std::string(model_cap_(target_model)),
          .fairness_id = std::string(fairness_cap_(fairness_id)),
          .priority = std::to_string(priority)};
}

namespace {

telemetry::LabelValues values(const RequestLabels& l) {
  return {l.model, l.target_model, l.fairness_id, l.priority};
}
telemetry::LabelValues values(const RequestLabels& l, std::string_view one) {
  return {l.model, l.target_model, l.fairness_id, l.priority, std::string(one)};
}

}  // namespace

void PickerMetrics::request_began(const RequestLabels& labels, std::size_t body_bytes) {
  requests_.with(values(labels)).increment();
  running_.with(values(labels)).add(1);
  size_.with(values(labels)).observe(static_cast<double>(body_bytes));
}

void PickerMetrics::request_ended(const RequestLabels& labels, double seconds) {
  running_.with(values(labels)).add(-1);
  duration_.with(values(labels)).observe(seconds);
}

void PickerMetrics::request_failed(const RequestLabels& labels, std::string_view error_code) {
  errors_.with(values(labels, error_code)).increment();
}

void PickerMetrics::first_byte(const RequestLabels& labels, bool streaming, double seconds) {
  ttft_.with(values(labels, streaming ? "true" : "false")).observe(seconds);
}

void PickerMetrics::response(const RequestLabels& labels, std::size_t bytes,
                             const provider::TokenUsage& usage) {
  response_size_.with(values(labels)).observe(static_cast<double>(bytes));
  if (!usage.reported) return;
  input_.with(values(labels)).observe(static_cast<double>(usage.input));
  output_.with(values(labels)).observe(static_cast<double>(usage.output));
  cached_.with(values(labels)).observe(static_cast<double>(usage.cached_input));
}

void PickerMetrics::rewritten(std::string_view rewrite, std::string_view model,
                              std::string_view target) {
  rewrites_
      .with({std::string(model_cap_(rewrite)), std::string(model_cap_(model)),
             std::string(model_cap_(target))})
      .increment();
}

void PickerMetrics::pool(const router::PoolSnapshot& pool) {
  double ready = 0;
  double kv = 0;
  double waiting = 0;
  double running = 0;
  for (const router::EndpointSnapshot& endpoint : pool.endpoints) {
    if (!endpoint.serving) continue;
    ready += 1;
    kv += endpoint.metrics.kv_usage;
    waiting += endpoint.metrics.waiting_requests;
    running += endpoint.metrics.running_requests;
  }
  const double over = ready > 0 ? ready : 1;
  ready_.with({pool_name_}).set(ready);
  kv_.with({pool_name_}).set(kv / over);
  queue_.with({pool_name_}).set(waiting / over);
  running_average_.with({pool_name_}).set(running / over);
}

}  // namespace nacelle::epp
