// span.h: one span as a value.
//
// Home:    values.
// Source:  OpenTelemetry's trace data model.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "tracing/trace_context.h"

namespace nacelle::tracing {

enum class SpanKind : std::uint8_t { kInternal = 1, kServer = 2, kClient = 3 };

using WallTime = std::chrono::system_clock::time_point;

struct Attribute {
  std::string key;
  std::variant<std::string, std::uint64_t> value;
};

struct SpanEvent {
  WallTime at;
  std::string name;
};

struct Span {
  std::string trace_id, span_id, parent_id;  // hex; parent_id "" = begins the trace
  std::string name;
  SpanKind kind = SpanKind::kServer;
  WallTime begin, end;
  std::vector<Attribute> attributes;
  std::vector<SpanEvent> events;
  bool failed = false;
  std::string message;  // why it failed

  // Leaves out what is empty.
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) attributes.push_back({std::string(key), std::string(value)});
  }
  void number(std::string_view key, std::uint64_t value) {
    attributes.push_back({std::string(key), value});
  }
};

// Moments of the steady clock on the wall's, from one moment that is known on both.
struct WallClock {
  WallTime wall;
  TimePoint steady;

  [[nodiscard]] WallTime at(TimePoint time) const {
    const Duration since = std::max(time - steady, Duration::zero());
    return wall + std::chrono::duration_cast<WallTime::duration>(since);
  }
};

// A span within that of `trace`, with an id of its own.
[[nodiscard]] Span child_span(const TraceContext& trace, std::string_view name);
[[nodiscard]] Span own_span(const TraceContext& trace, std::string_view name);

}  // namespace nacelle::tracing
