// trace_context.h: W3C trace context: which trace a request belongs to, and our span in it.
//
// Home:    values; any thread.
// Source:  W3C Trace Context Level 1; a header that breaks its grammar begins a new trace.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacelle::tracing {

struct TraceContext {
  std::string trace_id;   // 32 hex digits
  std::string parent_id;  // 16 hex digits of the caller's span; "" = we begin the trace
  std::string span_id;    // 16 hex digits of our own
  bool sampled = false;

  [[nodiscard]] std::string traceparent() const;  // what goes upstream
};

struct TraceParent {
  std::string_view trace_id, span_id;
  bool sampled = false;
};
[[nodiscard]] std::optional<TraceParent> parse_traceparent(std::string_view header);

// 16 hex digits, never all zero.
[[nodiscard]] std::string new_span_id();

// Continues the caller's trace, or begins one that is sampled with probability `ratio`.
[[nodiscard]] TraceContext next_trace(std::optional<std::string_view> header, double ratio);

}  // namespace nacelle::tracing
