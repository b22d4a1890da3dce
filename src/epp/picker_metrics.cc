#include "epp/picker_metrics.h"

#include <algorithm>

#include <fmt/format.h>

namespace nacelle::epp {
namespace {

using telemetry::LabelNames;
using telemetry::Metrics;
using telemetry::TwinName;
using OldLabels = std::vector<std::pair<std::string, std::string>>;

const LabelNames kRequest{"model_name", "target_model_name", "fairness_id", "priority"};
const OldLabels kOldModels{{"model_name", "model_name"},
                           {"target_model_name", "target_model_name"}};
constexpr std::size_t kManyChildren = PickerMetrics::kMaxSeries;

TwinName objective(std::string_view name, std::string_view old, std::string help,
                   LabelNames labels = kRequest, OldLabels old_labels = kOldModels) {
  return {.name = fmt::format("llm_d_epp_{}", name),
          .old_name = old.empty() ? std::string() : fmt::format("inference_objective_{}", old),
          .help = std::move(help),
          .labels = std::move(labels),
          .old_labels = std::move(old_labels),
          .max_children = kManyChildren};
}

// Under the name that begins with `old_prefix`, too.
TwinName renamed(std::string_view name, std::string_view old_prefix, std::string help,
                 LabelNames labels, OldLabels old_labels = {}) {
  return {.name = fmt::format("llm_d_epp_{}", name),
          .old_name = fmt::format("{}{}", old_prefix, name),
          .help = std::move(help),
          .labels = std::move(labels),
          .old_labels = std::move(old_labels),
          .max_children = kManyChildren};
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
const std::vector<double> kPerTokenSeconds{.001, .002, .005, .01, .02, .05, .1,
                                           .2,   .5,   1,    2,   5,   10};
const std::vector<double> kStreamedTokenSeconds{
    .0005, .00205, .005, .01, .02, .04, .06, .08, .1, .125, .15, .2, .3, .4, .5, .6, .8, 1, 2};
const std::vector<double> kBetweenTokensSeconds{.001, .005, .01, .02, .04, .06, .08, .1,
                                                .15,  .2,   .3,  .5,  .75, 1,   2};
const std::vector<double> kShortSeconds{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};
const std::vector<double> kRequestProcessing{.0005, .001, .002, .005, .01, .015, .025, .04,
                                             .06,   .1,   .25,  .5,   1,   2.5,  5,    10};
const std::vector<double> kResponseProcessing{.0001, .00025, .0005, .001, .0025, .005, .01, .025,
                                              .05,   .1,     .25,   .5,   1,     2.5,  5};
const std::vector<double> kStreamSeconds{.001, .005, .01, .05, .1,  .5,  1,
                                         5,    10,   30,  60,  120, 300, 600};
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

const LabelNames kInFlight{"endpoint_name", "namespace", "producer_name", "fairness_id",
                           "priority"};
const LabelNames kDecision{"plugin_name", "plugin_type", "model_name", "decision_type"};
constexpr const char* kLoadProducer = "inflight-load-producer";

telemetry::LabelValues values(const RequestLabels& l) {
  return {l.model, l.target_model, l.fairness_id, l.priority};
}
telemetry::LabelValues values(const RequestLabels& l, std::string_view one) {
  return {l.model, l.target_model, l.fairness_id, l.priority, std::string(one)};
}

// Ids mostly are positions.
const router::EndpointSnapshot* find_endpoint(const router::PoolSnapshot& pool,
                                              router::EndpointId id) {
  const auto& all = pool.endpoints;
  if (id.value < all.size() && all[id.value].id == id) return &all[id.value];
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.id == id; });
  return found == all.end() ? nullptr : &*found;
}

std::string port_of(std::string_view address) {
  return std::string(address.substr(address.rfind(':') + 1));
}

}  // namespace

PickerMetrics::PickerMetrics(Metrics& m)
    : streams_inflight(m.gauge("llm_d_epp_extproc_streams_inflight",
                               "[ALPHA] Streams of the proxy that are open.")
                           .with({})),
      streams_total(
          m.counter("llm_d_epp_extproc_streams_total", "[ALPHA] Streams by their end.", {"code"})),
      stream_duration(m.histogram("llm_d_epp_extproc_stream_duration_seconds",
                                  "[ALPHA] Time that a stream was open.", kStreamSeconds)
                          .with({})),
      request_processing(m.histogram("llm_d_epp_request_processing_duration_seconds",
                                     "[ALPHA] From a request's last byte to the reply, without the "
                                     "wait in flow control.",
                                     kRequestProcessing)
                             .with({})),
      response_processing(m.histogram("llm_d_epp_response_processing_duration_seconds",
                                      "[ALPHA] Time spent on the head and the end of an answer.",
                                      kResponseProcessing)
                              .with({})),
      scheduling(twin_histogram(m,
                                renamed("scheduler_e2e_duration_seconds", "inference_extension_",
                                        "Time of one pick.", {}),
                                kShortSeconds)
                     .with({})),
      requests_(twin_counter(m, objective("request_total", "request_total", "Requests.", kRequest,
                                          {{"model_name", "model_name"},
                                           {"target_model_name", "target_model_name"},
                                           {"priority", "priority"}}))),
      errors_(twin_counter(m, objective("request_error_total", "request_error_total",
                                        "Requests that failed.", with(kRequest, "error_code"),
                                        {{"model_name", "model_name"},
                                         {"target_model_name", "target_model_name"},
                                         {"error_code", "error_code"}}))),
      rewrites_(twin_counter(m, renamed("model_rewrite_decisions_total", "inference_extension_",
                                        "Requests whose model was replaced.",
                                        {"model_rewrite_name", "model_name", "target_model"}))),
      attempts_(twin_counter(
          m, renamed("scheduler_attempts_total", "inference_extension_",
                     "Picks, and whether they found an endpoint.",
                     {"status", "target_model_name", "endpoint_name", "namespace", "port"},
                     {{"status", "status"},
                      {"target_model_name", "target_model_name"},
                      {"pod_name", "endpoint_name"},
                      {"namespace", "namespace"},
                      {"port", "port"}}))),
      disagg_decisions_(
          twin_counter(m, renamed("disagg_decision_total", "llm_d_inference_scheduler_",
                                  "Requests by the stages that they got.", kDecision))),
      pd_decisions_(twin_counter(
          m, renamed("pd_decision_total", "llm_d_inference_scheduler_",
                     "Requests by whether prefill and decode were separated.", kDecision))),
      running_(twin_gauge(m, objective("request_running", "running_requests", "Requests in hand.",
                                       kRequest, {{"model_name", "model_name"}}))),
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
      ntpot_(twin_histogram(
          m,
          objective("request_ntpot_seconds", "normalized_time_per_output_token_seconds",
                    "Time of a request over its generated tokens."),
          kPerTokenSeconds)),
      tpot_(twin_histogram(
          m,
          objective("request_streaming_tpot_seconds", "",
                    "Time per generated token behind the first, of streams.", kRequest, {}),
          kStreamedTokenSeconds)),
      itl_(twin_histogram(m,
                          objective("request_streaming_itl_seconds", "",
                                    "Time between the events of a stream.", kRequest, {}),
                          kBetweenTokensSeconds)),
      ttft_(twin_histogram(
          m,
          objective("request_ttft_seconds", "", "Time to the first byte of the answer's body.",
                    with(kRequest, "streaming"), {}),
          kFirstByteSeconds)),
      inflight_requests_(m.gauge("llm_d_epp_inflight_requests",
                                 "[ALPHA] Requests on an endpoint that have not ended.", kInFlight,
                                 kManyChildren)),
      inflight_tokens_(m.gauge("llm_d_epp_inflight_tokens",
                               "[ALPHA] Tokens to compute on an endpoint, of requests that have no "
                               "answer yet.",
                               kInFlight, kManyChildren)) {}

RequestSeries& PickerMetrics::series(std::string_view model, std::string_view target_model,
                                     std::string_view fairness_id, int priority) {
  RequestLabels labels{.model = std::string(model_cap_(model)),
                       .target_model = std::string(model_cap_(target_model)),
                       .fairness_id = std::string(fairness_cap_(fairness_id)),
                       .priority = std::to_string(priority)};
  std::string key;
  for (const std::string* part :
       {&labels.model, &labels.target_model, &labels.fairness_id, &labels.priority}) {
    key.append(*part).push_back('\0');
  }
  const std::scoped_lock lock(mutex_);
  if (series_.size() >= kMaxSeries && !series_.contains(key)) {
    labels = {"overflow", "overflow", "overflow", "overflow"};
    key = "overflow";
  }
  std::unique_ptr<RequestSeries>& found = series_[key];
  if (found == nullptr) found = make_series(std::move(labels));
  return *found;
}

std::unique_ptr<RequestSeries> PickerMetrics::make_series(RequestLabels labels) {
  auto out = std::make_unique<RequestSeries>();
  out->labels = std::move(labels);
  const telemetry::LabelValues own = values(out->labels);
  out->requests = requests_.with(own);
  out->running = running_.with(own);
  out->duration = duration_.with(own);
  out->size = size_.with(own);
  out->response_size = response_size_.with(own);
  out->input_tokens = input_.with(own);
  out->output_tokens = output_.with(own);
  out->cached_tokens = cached_.with(own);
  out->ntpot = ntpot_.with(own);
  out->tpot = tpot_.with(own);
  out->itl = itl_.with(own);
  out->ttft = {ttft_.with(values(out->labels, "false")), ttft_.with(values(out->labels, "true"))};
  out->refused_picks = attempts_.with({"failure", out->labels.target_model, "", "", ""});
  return out;
}

void PickerMetrics::request_failed(const RequestSeries& series, std::string_view error_code) {
  errors_.with(values(series.labels, error_code)).increment();
}

void PickerMetrics::rewritten(std::string_view rewrite, std::string_view model,
                              std::string_view target) {
  rewrites_
      .with({std::string(model_cap_(rewrite)), std::string(model_cap_(model)),
             std::string(model_cap_(target))})
      .increment();
}

EndpointSeries PickerMetrics::endpoint(RequestSeries& series,
                                       const router::Placement::Destination& destination,
                                       const router::PoolSnapshot& pool) {
  const router::EndpointSnapshot* const endpoint = find_endpoint(pool, destination.id);
  const std::string& name =
      endpoint != nullptr && !endpoint->name.empty() ? endpoint->name : destination.address;
  const std::scoped_lock lock(series.mutex);
  const auto found = series.endpoints.find(destination.address);
  if (found != series.endpoints.end() && found->second.name == name) return found->second.series;
  const std::string name_space = endpoint != nullptr ? endpoint->name_space : std::string();
  const RequestLabels& labels = series.labels;
  EndpointSeries out;
  out.attempts = attempts_.with(
      {"success", labels.target_model, name, name_space, port_of(destination.address)});
  const telemetry::LabelValues in_flight{name, name_space, kLoadProducer, labels.fairness_id,
                                         labels.priority};
  out.requests = &inflight_requests_.with(in_flight);
  out.tokens = &inflight_tokens_.with(in_flight);
  if (series.endpoints.size() >= kMaxEndpointsPerSeries) series.endpoints.clear();
  series.endpoints.insert_or_assign(destination.address, RequestSeries::Known{name, out});
  return out;
}

void PickerMetrics::decided(const RequestSeries& series, const router::Plugin& handler,
                            std::string_view decision) {
  const telemetry::LabelValues labels{handler.name(), handler.type(), series.labels.model,
                                      std::string(decision)};
  disagg_decisions_.with(labels).increment();
  if (!decision.starts_with("encode")) pd_decisions_.with(labels).increment();
}

}  // namespace nacelle::epp
