#include "tracing/trace_context.h"

#include <algorithm>
#include <random>

#include "base/hex.h"

namespace nacelle::tracing {
namespace {

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

std::uint64_t random_bits() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::uint64_t bits = random();
  return bits == 0 ? 1 : bits;  // an id of zeros is invalid
}

}  // namespace

std::string TraceContext::traceparent() const {
  std::string text;
  text.reserve(55);
  text.append("00-").append(trace_id).append("-").append(span_id).append(sampled ? "-01" : "-00");
  return text;
}

std::optional<TraceParent> parse_traceparent(std::string_view header) {
  // version(2)-trace(32)-span(16)-flags(2); a later version may have more behind a dash.
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  const std::string_view version = header.substr(0, 2), flags = header.substr(53, 2);
  TraceParent parent{header.substr(3, 32), header.substr(36, 16), false};
  const bool later = header.size() == 55 || (version != "00" && header[55] == '-');
  if (!is_hex(version) || version == "ff" || !later || !is_hex(parent.trace_id) ||
      !is_hex(parent.span_id) || !is_hex(flags) || is_zero(parent.trace_id) ||
      is_zero(parent.span_id)) {
    return std::nullopt;
  }
  const char low = flags[1];
  parent.sampled = ((low <= '9' ? low - '0' : low - 'a' + 10) & 1) != 0;
  return parent;
}

std::string new_span_id() {
  std::string id;
  id.reserve(16);
  append_hex(id, random_bits());
  return id;
}

TraceContext next_trace(std::optional<std::string_view> header, double ratio) {
  TraceContext trace;
  trace.span_id = new_span_id();
  if (header) {
    if (const auto parent = parse_traceparent(*header)) {
      trace.trace_id = parent->trace_id;
      trace.parent_id = parent->span_id;
      trace.sampled = parent->sampled;
      return trace;
    }
  }
  const std::uint64_t low = random_bits();
  trace.trace_id.reserve(32);
  append_hex(trace.trace_id, random_bits());
  append_hex(trace.trace_id, low);
  trace.sampled = static_cast<double>(low >> 11) * 0x1.0p-53 < ratio;
  return trace;
}

}  // namespace nacelle::tracing
