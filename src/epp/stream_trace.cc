#include "epp/stream_trace.h"

#include <utility>

namespace nacelle::epp {
namespace {

// gen_ai.operation.name; "" for what is no call of a model.
std::string_view operation_of(router::Api api) {
  switch (api) {
    case router::Api::kChat:
    case router::Api::kMessages:
    case router::Api::kResponses:
      return "chat";
    case router::Api::kCompletions:
    case router::Api::kGenerate:
      return "text_completion";
    case router::Api::kEmbeddings:
      return "embeddings";
    default:
      return {};
  }
}

bool happened(const StreamTrace::Phase& phase) { return phase.begin != TimePoint{}; }

}  // namespace

void StreamTrace::begin(std::string_view traceparent, TimePoint now) {
  if (exporter_ == nullptr || context_) return;
  context_ = tracing::next_trace(traceparent, exporter_->sample_ratio());
  if (context_->sampled) clock_ = {std::chrono::system_clock::now(), now};
}

std::string StreamTrace::traceparent() const { return context_ ? context_->traceparent() : ""; }

tracing::Span StreamTrace::stream_span(const tracing::WallClock& clock, TimePoint now) const {
  const std::string_view operation = operation_of(api);
  tracing::Span span = tracing::own_span(*context_, "gateway.request");
  span.attributes.reserve(16);
  span.begin = clock.wall;
  span.end = clock.at(now);
  span.text("url.path", std::string_view(path).substr(0, path.find('?')));
  span.text("nacelle.request_id", request_id);
  span.text("gen_ai.operation.name", operation);
  span.text("gen_ai.request.model", model);
  if (target_model != model) span.text("nacelle.target_model", target_model);
  span.text("gen_ai.response.model", response_model);
  if (max_output_tokens > 0) span.number("gen_ai.request.max_tokens", max_output_tokens);
  span.text("nacelle.objective", objective);
  span.text("nacelle.fairness_id", fairness_id);
  if (!model.empty()) span.text("nacelle.priority", std::to_string(priority));
  span.text("upstream.address", endpoint);
  if (status > 0) span.number("http.response.status_code", static_cast<std::uint64_t>(status));
  span.text("nacelle.outcome", outcome.empty() ? "client-disconnect" : outcome);
  span.text("nacelle.refused_reason", reason);
  if (usage && usage->reported) {
    span.number("gen_ai.usage.input_tokens", usage->input);
    span.number("gen_ai.usage.output_tokens", usage->output);
    if (usage->cached_input > 0) {
      span.number("gen_ai.usage.cache_read.input_tokens", usage->cached_input);
    }
  }
  if (first_byte != TimePoint{}) span.events.push_back({clock.at(first_byte), "first byte"});
  span.failed = status >= 500;
  if (span.failed) span.text("error.type", std::to_string(status));
  return span;
}

void StreamTrace::add_inside(const tracing::TraceContext& parent, std::string_view name,
                             const Phase& phase, const tracing::WallClock& clock) const {
  tracing::Span span = tracing::child_span(parent, name);
  span.begin = clock.at(phase.begin);
  span.end = clock.at(std::max(phase.begin, phase.end));
  exporter_->add(std::move(span));
}

void StreamTrace::finish(TimePoint now) {
  if (!sampled()) return;
  if (happened(orchestration)) {
    tracing::TraceContext inside = *context_;
    tracing::Span span = tracing::child_span(*context_, "gateway.request_orchestration");
    span.kind = tracing::SpanKind::kServer;
    span.begin = clock_.at(orchestration.begin);
    span.end = clock_.at(std::max(orchestration.begin, orchestration.end));
    span.failed = status >= 500 && endpoint.empty();
    inside.span_id = span.span_id;
    exporter_->add(std::move(span));
    if (happened(flow_control)) add_inside(inside, "llm_d.epp.flow_control", flow_control, clock_);
    if (happened(scoring)) add_inside(inside, "llm_d.epp.scoring", scoring, clock_);
  }
  exporter_->add(stream_span(clock_, now));
  context_.reset();
}

}  // namespace nacelle::epp
