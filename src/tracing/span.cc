#include "tracing/span.h"

namespace nacelle::tracing {

Span own_span(const TraceContext& trace, std::string_view name) {
  Span span;
  span.trace_id = trace.trace_id;
  span.span_id = trace.span_id;
  span.parent_id = trace.parent_id;
  span.name = name;
  return span;
}

Span child_span(const TraceContext& trace, std::string_view name) {
  Span span;
  span.trace_id = trace.trace_id;
  span.span_id = new_span_id();
  span.parent_id = trace.span_id;
  span.name = name;
  span.kind = SpanKind::kInternal;
  return span;
}

}  // namespace nacelle::tracing
