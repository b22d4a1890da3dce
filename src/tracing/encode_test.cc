#include "tracing/encode.h"

#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace nacelle::tracing {
namespace {

WallTime at(std::int64_t nanoseconds) {
  return WallTime(
      std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(nanoseconds)));
}

Span sample() {
  TraceContext trace;
  trace.trace_id = "0af7651916cd43dd8448eb211c80319c";
  trace.span_id = "b7ad6b7169203331";
  trace.parent_id = "00f067aa0ba902b7";
  Span span = own_span(trace, "say \"hi\"");
  span.begin = at(1'000);
  span.end = at(3'000);
  span.text("gen_ai.request.model", "m\xff");
  span.text("left.out", "");
  span.number("gen_ai.usage.input_tokens", 7);
  span.events.push_back({at(2'000), "first byte"});
  return span;
}

TracingConfig config() {
  return {.service_name = "epp", .resource = {{"k8s.pod.name", "p"}, {"service.name", "other"}}};
}

TEST(Encode, Json) {
  const Span span = sample();
  EXPECT_EQ(export_json(config(), "nacelle/test", {&span, 1}),
            R"({"resourceSpans":[{"resource":{"attributes":[)"
            R"({"key":"service.name","value":{"stringValue":"epp"}},)"
            R"({"key":"k8s.pod.name","value":{"stringValue":"p"}}]},)"
            R"("scopeSpans":[{"scope":{"name":"nacelle/test"},"spans":[)"
            R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",)"
            R"("parentSpanId":"00f067aa0ba902b7","name":"say \"hi\"","kind":2,)"
            R"("startTimeUnixNano":"1000","endTimeUnixNano":"3000","attributes":[)"
            "{\"key\":\"gen_ai.request.model\",\"value\":{\"stringValue\":\"m\xef\xbf\xbd\"}},"
            R"({"key":"gen_ai.usage.input_tokens","value":{"intValue":"7"}}],)"
            R"("events":[{"timeUnixNano":"2000","name":"first byte"}],"status":{"code":1}}]}]}]})");
}

TEST(Encode, Protobuf) {
  std::vector<Span> spans = {sample(), child_span({.trace_id = "0af7651916cd43dd8448eb211c80319c",
                                                   .parent_id = "",
                                                   .span_id = "b7ad6b7169203331"},
                                                  "inside")};
  spans[1].failed = true;
  spans[1].message = "no endpoint";
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(export_protobuf(config(), "nacelle/test", spans)));
  const auto& all = request.resource_spans(0);
  EXPECT_EQ(all.resource().attributes(0).value().string_value(), "epp");
  EXPECT_EQ(all.resource().attributes_size(), 2);
  EXPECT_EQ(all.scope_spans(0).scope().name(), "nacelle/test");
  const auto& own = all.scope_spans(0).spans(0);
  EXPECT_EQ(own.trace_id().size(), 16u);
  EXPECT_EQ(own.trace_id().substr(0, 2), "\x0a\xf7");
  EXPECT_EQ(own.span_id(), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(own.start_time_unix_nano(), 1'000u);
  EXPECT_EQ(own.kind(), 2);
  EXPECT_EQ(own.attributes(0).value().string_value(), "m\xef\xbf\xbd");
  EXPECT_EQ(own.attributes(1).value().int_value(), 7);
  EXPECT_EQ(own.events(0).name(), "first byte");
  EXPECT_EQ(own.status().code(), 1);
  const auto& inside = all.scope_spans(0).spans(1);
  EXPECT_EQ(inside.parent_span_id(), own.span_id());
  EXPECT_NE(inside.span_id(), own.span_id());
  EXPECT_EQ(inside.kind(), 1);
  EXPECT_EQ(inside.status().code(), 2);
  EXPECT_EQ(inside.status().message(), "no endpoint");
}

TEST(WallClock, TellsMomentsOfTheSteadyClock) {
  const WallClock clock{at(5'000), TimePoint(1s)};
  EXPECT_EQ(clock.at(TimePoint(1s) + 2us), at(7'000));
  EXPECT_EQ(clock.at(TimePoint()), at(5'000));  // nothing is before the beginning
}

}  // namespace
}  // namespace nacelle::tracing
