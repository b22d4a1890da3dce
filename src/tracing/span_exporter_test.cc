#include "tracing/span_exporter.h"

#include <gtest/gtest.h>

#include "net/grpc/server.h"
#include "net/testing/server_fixture.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace nacelle::tracing {
namespace {

using net::http::ServerExchange;
using net::testing::ServerFixture;

constexpr const char* kExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

// What a collector got.
struct Got {
  std::string path, body, header;
  int status = 200;
};

async::Task<void> take(Got* got, ServerExchange& exchange) {
  got->path = exchange.request().target;
  got->header = exchange.request().headers.get("x-key");
  auto body = co_await exchange.read_body(1 << 20);
  if (body) got->body += *body;
  net::http::ResponseHead head;
  head.status = got->status;
  (void)co_await exchange.respond(head, "{}");
}

async::Task<Status> take_call(Got* got, net::grpc::ServerCall& call) {
  got->header = call.metadata().get("x-key");
  const auto message = co_await call.read_only();
  if (!message.ok()) co_return message.error();
  got->body = *message;
  co_return co_await call.write("");
}

Span named(const char* name) { return own_span(next_trace({}, 1), name); }

// Adds the spans, and sends them by stopping.
std::unique_ptr<SpanExporter> send(ServerFixture& server, TracingConfig config,
                                   std::vector<Span> spans) {
  auto exporter = SpanExporter::create(server.loop(), std::move(config), "nacelle/test");
  EXPECT_TRUE(exporter.ok()) << exporter.error().message();
  (*exporter)->start();
  for (Span& span : spans) (*exporter)->add(std::move(span));
  server.run((*exporter)->stop());
  return std::move(*exporter);
}

TEST(SpanExporter, SendsJsonOverHttp) {
  Got got;
  ServerFixture server([&](ServerExchange& exchange) { return take(&got, exchange); });
  const std::string endpoint = fmt::format("http://127.0.0.1:{}/v1/traces", server.port());
  const auto exporter =
      send(server, {.endpoint = endpoint, .headers = {{"x-key", "k"}}}, {named("a"), named("b")});
  EXPECT_EQ(got.path, "/v1/traces");
  EXPECT_EQ(got.header, "k");
  EXPECT_NE(got.body.find(R"("name":"b")"), std::string::npos) << got.body;
  EXPECT_EQ(exporter->sent(), 2u);
  EXPECT_EQ(exporter->dropped(), 0u);
}

TEST(SpanExporter, SendsProtobufOverGrpc) {
  Got got;
  net::grpc::Server methods;
  methods.add(kExport, [&](net::grpc::ServerCall& call) { return take_call(&got, call); });
  ServerFixture server(methods.handler());
  const std::string endpoint = fmt::format("http://127.0.0.1:{}", server.port());
  const auto exporter =
      send(server, {.endpoint = endpoint, .protocol = Protocol::kGrpc, .headers = {{"x-key", "k"}}},
           {named("a")});
  EXPECT_EQ(exporter->sent(), 1u);
  EXPECT_EQ(got.header, "k");
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(got.body));
  EXPECT_EQ(request.resource_spans(0).scope_spans(0).spans(0).name(), "a");
}

TEST(SpanExporter, CountsWhatNobodyTook) {
  Got got{.status = 503};
  ServerFixture server([&](ServerExchange& exchange) { return take(&got, exchange); });
  const std::string endpoint = fmt::format("http://127.0.0.1:{}/v1/traces", server.port());
  EXPECT_EQ(send(server, {.endpoint = endpoint}, {named("a"), named("b")})->dropped(), 2u);
  // A queue that nobody empties.
  auto exporter = SpanExporter::create(server.loop(), {.endpoint = endpoint}, "nacelle/test");
  for (std::size_t i = 0; i < SpanExporter::kQueue + 3; ++i) (*exporter)->add(named("x"));
  EXPECT_EQ((*exporter)->dropped(), 3u);
  telemetry::Metrics metrics;
  metrics.add_collector(
      [&](telemetry::Snapshot& out) { (*exporter)->collect(out, "nacelle_test"); });
  EXPECT_NE(metrics.serialize().find("nacelle_test_spans_dropped_total 3"), std::string::npos);
  server.run((*exporter)->stop());
}

TEST(TracingConfig, ThePortNamesTheProtocol) {
  struct Row {
    const char* endpoint;
    std::optional<Protocol> protocol;
    Protocol used;
    int port;
    const char* target;
  };
  for (const Row& row :
       {Row{"http://c:4317", {}, Protocol::kGrpc, 4317, "/"},
        Row{"http://c:4318/v1/traces", {}, Protocol::kHttpJson, 4318, "/v1/traces"},
        Row{"http://c/v1/traces", {}, Protocol::kHttpJson, 4318, "/v1/traces"},
        Row{"http://c", Protocol::kGrpc, Protocol::kGrpc, 4317, "/"},
        Row{"http://[::1]:4317", {}, Protocol::kGrpc, 4317, "/"},
        Row{"http://c:4317/x", Protocol::kHttpJson, Protocol::kHttpJson, 4317, "/x"}}) {
    const auto collector = collector_of({.endpoint = row.endpoint, .protocol = row.protocol});
    ASSERT_TRUE(collector.ok()) << row.endpoint;
    EXPECT_EQ(collector->protocol, row.used) << row.endpoint;
    EXPECT_EQ(collector->address.port, row.port) << row.endpoint;
    EXPECT_EQ(collector->target, row.target) << row.endpoint;
  }
  EXPECT_FALSE(collector_of({.endpoint = "https://c:4318"}).ok());
}

}  // namespace
}  // namespace nacelle::tracing
