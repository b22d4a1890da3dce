#include "tracing/encode.h"

#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "base/json_string.h"
#include "base/utf8.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace nacelle::tracing {
namespace {

namespace proto = opentelemetry::proto;

std::uint64_t nanoseconds(WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

// ---- JSON

void append_attribute(std::string& out, const Attribute& attribute) {
  if (!out.empty() && out.back() == '}') out += ',';
  out += "{\"key\":";
  append_json_string(out, attribute.key);
  if (const auto* number = std::get_if<std::uint64_t>(&attribute.value)) {
    fmt::format_to(std::back_inserter(out), R"(,"value":{{"intValue":"{}"}}}})", *number);
    return;
  }
  out += ",\"value\":{\"stringValue\":";
  append_json_string(out, std::get<std::string>(attribute.value));
  out += "}}";
}

void append_span(std::string& out, const Span& span) {
  fmt::format_to(std::back_inserter(out), R"({{"traceId":"{}","spanId":"{}",)", span.trace_id,
                 span.span_id);
  if (!span.parent_id.empty()) {
    fmt::format_to(std::back_inserter(out), R"("parentSpanId":"{}",)", span.parent_id);
  }
  out += "\"name\":";
  append_json_string(out, span.name);
  fmt::format_to(std::back_inserter(out),
                 R"(,"kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[)",
                 static_cast<int>(span.kind), nanoseconds(span.begin), nanoseconds(span.end));
  for (const Attribute& attribute : span.attributes) append_attribute(out, attribute);
  out += "],\"events\":[";
  for (const SpanEvent& event : span.events) {
    if (out.back() == '}') out += ',';
    fmt::format_to(std::back_inserter(out), R"({{"timeUnixNano":"{}","name":)",
                   nanoseconds(event.at));
    append_json_string(out, event.name);
    out += '}';
  }
  fmt::format_to(std::back_inserter(out), R"(],"status":{{"code":{})", span.failed ? 2 : 1);
  if (span.failed && !span.message.empty()) {
    out += ",\"message\":";
    append_json_string(out, span.message);
  }
  out += "}}";
}

// ---- protobuf

std::string bytes_of_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return out;
}

// Protobuf's strings are UTF-8: a message with others cannot be serialised.
std::string utf8(std::string_view text) {
  return is_valid_utf8(text) ? std::string(text) : sanitize_utf8(text);
}

void set(proto::common::v1::KeyValue& out, const Attribute& attribute) {
  out.set_key(utf8(attribute.key));
  if (const auto* number = std::get_if<std::uint64_t>(&attribute.value)) {
    out.mutable_value()->set_int_value(static_cast<std::int64_t>(*number));
  } else {
    out.mutable_value()->set_string_value(utf8(std::get<std::string>(attribute.value)));
  }
}

void set(proto::trace::v1::Span& out, const Span& span) {
  out.set_trace_id(bytes_of_hex(span.trace_id));
  out.set_span_id(bytes_of_hex(span.span_id));
  out.set_parent_span_id(bytes_of_hex(span.parent_id));
  out.set_name(utf8(span.name));
  out.set_kind(static_cast<proto::trace::v1::Span::SpanKind>(span.kind));
  out.set_start_time_unix_nano(nanoseconds(span.begin));
  out.set_end_time_unix_nano(nanoseconds(span.end));
  for (const Attribute& attribute : span.attributes) set(*out.add_attributes(), attribute);
  for (const SpanEvent& event : span.events) {
    auto& to = *out.add_events();
    to.set_time_unix_nano(nanoseconds(event.at));
    to.set_name(utf8(event.name));
  }
  out.mutable_status()->set_code(span.failed ? proto::trace::v1::Status::STATUS_CODE_ERROR
                                             : proto::trace::v1::Status::STATUS_CODE_OK);
  if (span.failed) out.mutable_status()->set_message(utf8(span.message));
}

std::vector<Attribute> resource_of(const TracingConfig& config) {
  std::vector<Attribute> out{{"service.name", config.service_name}};
  for (const auto& [key, value] : config.resource) {
    if (key != "service.name") out.push_back({key, value});
  }
  return out;
}

}  // namespace

std::string export_json(const TracingConfig& config, std::string_view scope,
                        std::span<const Span> spans) {
  std::string out = R"({"resourceSpans":[{"resource":{"attributes":[)";
  for (const Attribute& attribute : resource_of(config)) append_attribute(out, attribute);
  out += R"(]},"scopeSpans":[{"scope":{"name":)";
  append_json_string(out, scope);
  out += "},\"spans\":[";
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (i > 0) out += ',';
    append_span(out, spans[i]);
  }
  return out + "]}]}]}";
}

std::string export_protobuf(const TracingConfig& config, std::string_view scope,
                            std::span<const Span> spans) {
  proto::collector::trace::v1::ExportTraceServiceRequest request;
  auto& all = *request.add_resource_spans();
  for (const Attribute& attribute : resource_of(config)) {
    set(*all.mutable_resource()->add_attributes(), attribute);
  }
  auto& scoped = *all.add_scope_spans();
  scoped.mutable_scope()->set_name(std::string(scope));
  for (const Span& span : spans) set(*scoped.add_spans(), span);
  return request.SerializeAsString();
}

}  // namespace nacelle::tracing
