#include "router/flow/flow_metrics.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace nacelle::router::flow {

namespace {

using telemetry::LabelNames;
using telemetry::Metrics;
using telemetry::TwinName;

constexpr std::size_t kManyChildren = 20'000;  // capped labels times each other

TwinName name(std::string_view what, std::string help, LabelNames labels) {
  return {.name = fmt::format("llm_d_epp_flow_control_{}", what),
          .old_name = fmt::format("inference_extension_flow_control_{}", what),
          .help = std::move(help),
          .labels = std::move(labels),
          .max_children = kManyChildren};
}

std::string own(std::string_view what) { return fmt::format("llm_d_epp_flow_control_{}", what); }

const std::vector<double> kQueueSeconds{.0001, .0005, .001, .005, .01, .025, .05, .1,
                                        .25,   .5,    1,    2.5,  5,   10,   30,  60};
const std::vector<double> kShortSeconds{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};
const std::vector<double> kConfirmationSeconds{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
const LabelNames kFlowLabels{"fairness_id", "priority", "inference_pool", "model_name",
                             "target_model_name"};

}  // namespace

FlowMetrics::FlowMetrics(Metrics& m, std::string pool)
    : dispatch_cycle(
          twin_histogram(
              m, name("dispatch_cycle_duration_seconds", "Time of one look at the queues.", {}),
              kShortSeconds)
              .with({})),
      pool_(std::move(pool)),
      queue_duration_(twin_histogram(
          m,
          name("request_queue_duration_seconds", "Time from enqueueing to the outcome.",
               {"fairness_id", "priority", "outcome", "inference_pool", "model_name",
                "target_model_name"}),
          kQueueSeconds)),
      enqueue_duration_(twin_histogram(
          m,
          name("request_enqueue_duration_seconds", "Time that enqueueing itself takes.",
               {"fairness_id", "priority", "outcome"}),
          kShortSeconds)),
      queue_size_(twin_gauge(m, name("queue_size", "Requests that wait.", kFlowLabels))),
      queue_bytes_(
          twin_gauge(m, name("queue_bytes", "Bytes of the bodies that wait.", kFlowLabels))),
      pool_saturation_(twin_gauge(m, name("pool_saturation", "How full the pool is; 1 is full.",
                                          {"inference_pool", "stage"}))),
      stale_endpoints_(m.gauge(own("stale_endpoints"),
                               "[ALPHA] Endpoints whose metrics are missing or old.",
                               {"detector"})),
      band_requests_(m.gauge(own("capacity_utilization_requests"),
                             "[ALPHA] Share of the band's limit on requests.",
                             {"priority", "inference_pool"})),
      band_bytes_(m.gauge(own("capacity_utilization_bytes"),
                          "[ALPHA] Share of the band's limit on bytes.",
                          {"priority", "inference_pool"})),
      requests_total_(m.counter(own("requests_total"), "[ALPHA] Requests by how their wait ended.",
                                {"outcome", "priority", "inference_pool"})),
      revocations_issued_(m.counter(own("revocations_issued_total"),
                                    "[ALPHA] Running requests told to give way.",
                                    {"priority", "inference_pool"})),
      revocations_(m.counter(own("revocations_total"),
                             "[ALPHA] Revoked requests by whether saturation fell after.",
                             {"outcome", "inference_pool"})),
      reclaim_target_(m.gauge(own("reclaim_target"),
                              "[ALPHA] Saturation that the last round of revocations aims at.",
                              {"inference_pool"})
                          .with({pool_})),
      pending_reclaim_(m.gauge(own("pending_reclaim"),
                               "[ALPHA] Saturation that revoked requests have not freed yet.",
                               {"inference_pool"})
                           .with({pool_})),
      confirmation_(m.histogram(own("revocation_confirmation_seconds"),
                                "[ALPHA] Time from revoking to seeing saturation fall.",
                                kConfirmationSeconds)
                        .with({})),
      metrics_(m) {
  for (const auto outcome : {"confirmed", "timeout"}) {
    (void)revocations_.with({outcome, pool_});
  }
}

FlowSeries& FlowMetrics::series(std::string_view fairness_id, int priority, std::string_view model,
                                std::string_view target_model) {
  fairness_id = fairness_cap_(fairness_id);
  model = model_cap_(model);
  target_model = model_cap_(target_model);
  std::string key;
  key.reserve(fairness_id.size() + model.size() + target_model.size() + 16);
  // '\n' cannot be part of a header or of a label that came from one.
  fmt::format_to(std::back_inserter(key), "{}\n{}\n{}\n{}", priority, fairness_id, model,
                 target_model);
  std::lock_guard lock(mutex_);
  // Beyond the families' own bound a series would only repeat their overflow child.
  if (series_.size() >= kManyChildren && !series_.contains(key)) key = "overflow";
  auto& slot = series_[key];
  if (slot == nullptr) {
    slot = std::make_unique<FlowSeries>();
    slot->fairness_id = fairness_id;
    slot->priority = std::to_string(priority);
    slot->model = model;
    slot->target_model = target_model;
    const telemetry::LabelValues labels{slot->fairness_id, slot->priority, pool_, slot->model,
                                        slot->target_model};
    slot->queue_size = queue_size_.with(labels);
    slot->queue_bytes = queue_bytes_.with(labels);
  }
  return *slot;
}

const FlowSeries::PerOutcome& FlowMetrics::outcome(FlowSeries& series, Outcome outcome) {
  std::lock_guard lock(mutex_);
  auto& slot = series.outcomes.at(static_cast<std::size_t>(outcome));
  if (slot == nullptr) {
    const std::string label(facts_of(outcome).label);
    slot = std::make_unique<FlowSeries::PerOutcome>();
    slot->queue_duration = queue_duration_.with(
        {series.fairness_id, series.priority, label, pool_, series.model, series.target_model});
    slot->enqueue_duration = enqueue_duration_.with({series.fairness_id, series.priority, label});
    slot->requests = &requests_total_.with({label, series.priority, pool_});
  }
  return *slot;
}

void FlowMetrics::saturation(const PoolReading& reading, double effective,
                             std::string_view detector) {
  if (reading.prefill) pool_saturation_.with({pool_, "prefill"}).set(reading.prefill->saturation);
  if (reading.decode) pool_saturation_.with({pool_, "decode"}).set(reading.decode->saturation);
  pool_saturation_.with({pool_, "effective"}).set(effective);
  stale_endpoints_.with({std::string(detector)}).set(static_cast<double>(reading.stale_endpoints));
}

void FlowMetrics::band(int priority, double requests_share, double bytes_share) {
  const std::string label = std::to_string(priority);
  band_requests_.with({label, pool_}).set(requests_share);
  band_bytes_.with({label, pool_}).set(bytes_share);
}

void FlowMetrics::pool_share(double requests_share, double bytes_share, bool has_requests,
                             bool has_bytes) {
  const auto declare = [this](std::string_view what) {
    return &metrics_
                .gauge(own(fmt::format("global_capacity_utilization_{}", what)),
                       fmt::format("[ALPHA] Share of the limit on {} over all bands.", what),
                       {"inference_pool"})
                .with({pool_});
  };
  if (has_requests && pool_requests_ == nullptr) pool_requests_ = declare("requests");
  if (has_bytes && pool_bytes_ == nullptr) pool_bytes_ = declare("bytes");
  if (has_requests) pool_requests_->set(requests_share);
  if (has_bytes) pool_bytes_->set(bytes_share);
}

void FlowMetrics::revocation_issued(int priority) {
  revocations_issued_.with({std::to_string(priority), pool_}).increment();
}

void FlowMetrics::revocations_settled(std::string_view outcome, std::size_t count, double seconds) {
  revocations_.with({std::string(outcome), pool_}).increment(static_cast<double>(count));
  if (outcome == "confirmed") confirmation_.observe(seconds);
}

void FlowMetrics::reclaim(double target, double pending) {
  reclaim_target_.set(target);
  pending_reclaim_.set(pending);
}

void FlowMetrics::programs(const std::vector<ProgramStats>& programs) {
  if (programs.empty()) return;
  double sum = 0;
  double squares = 0;
  auto& wait = metrics_.gauge("llm_d_epp_program_aware_avg_wait_time_milliseconds",
                              "[ALPHA] Mean wait of a program's requests.", {"program_id"});
  auto& attained = metrics_.gauge("llm_d_epp_program_aware_attained_service_tokens",
                                  "[ALPHA] Tokens that a program got lately.", {"program_id"});
  for (const ProgramStats& program : programs) {
    sum += program.attained_tokens;
    squares += program.attained_tokens * program.attained_tokens;
    const std::string id(program_cap_(program.id));
    wait.with({id}).set(program.average_wait_seconds * 1000);
    attained.with({id}).set(program.attained_tokens);
  }
  // Jain's index: 1 when all got the same, 1/n when one got everything.
  const double index =
      squares > 0 ? sum * sum / (static_cast<double>(programs.size()) * squares) : 1;
  metrics_
      .gauge("llm_d_epp_program_aware_jains_fairness_index",
             "[ALPHA] Jain's index over the programs' attained service.")
      .with({})
      .set(index);
}

}  // namespace nacelle::router::flow
