// stream_trace.h: one ext_proc stream as spans.
//
//   gateway.request                 server: the whole stream, within the proxy's trace
//     gateway.request_orchestration   from the body's end to the reply with the destination
//       llm_d.epp.flow_control          waiting to be admitted
//       llm_d.epp.scoring               the pick
//
// Home:    the stream's loop.
// Source:  router.md section 15 (names), gateway.md section 14 (gen_ai attributes).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "provider/usage.h"
#include "router/request_body.h"
#include "tracing/span_exporter.h"
#include "tracing/trace_context.h"

namespace nacelle::epp {

class StreamTrace {
 public:
  static constexpr const char* kNatural = "natural";  // an outcome: the answer came to its end

  struct Phase {
    TimePoint begin{}, end{};
  };

  // Takes the time of a phase while it lives.
  class Timed {
   public:
    Timed(Phase& phase, const Clock& clock) : phase_(phase), clock_(clock) {
      phase_.begin = clock_.now();
    }
    ~Timed() { phase_.end = clock_.now(); }
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

   private:
    Phase& phase_;
    const Clock& clock_;
  };

  // `exporter` may be null: nothing is traced then. Outlives the trace.
  explicit StreamTrace(tracing::SpanExporter* exporter) : exporter_(exporter) {}

  // The request's headers came. `traceparent` may be "".
  void begin(std::string_view traceparent, TimePoint now);
  // What the engine is told instead of the proxy's header; "" when nothing is traced.
  [[nodiscard]] std::string traceparent() const;
  [[nodiscard]] bool sampled() const { return context_ && context_->sampled; }
  // Once; a stream that was never begun tells nothing.
  void finish(TimePoint now);

  Phase orchestration, flow_control, scoring;
  TimePoint first_byte{};

  // Attributes; what stays empty is not told.
  std::string request_id, path, model, target_model, response_model, objective, fairness_id;
  std::string endpoint;  // as the proxy is told: the first is primary
  std::string outcome;   // "": the proxy closed the stream before the answer's end
  std::string reason;    // of a refusal
  router::Api api = router::Api::kOther;
  int priority = 0;
  int status = 0;  // of the engine's answer or of our refusal
  std::uint64_t max_output_tokens = 0;
  std::optional<provider::TokenUsage> usage;

 private:
  [[nodiscard]] tracing::Span stream_span(const tracing::WallClock& clock, TimePoint now) const;
  void add_inside(const tracing::TraceContext& parent, std::string_view name, const Phase& phase,
                  const tracing::WallClock& clock) const;

  tracing::SpanExporter* exporter_;
  std::optional<tracing::TraceContext> context_;
  tracing::WallClock clock_{};
};

}  // namespace nacelle::epp
