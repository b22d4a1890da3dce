#include "tracing/span_exporter.h"

#include <gtest/gtest.h>

#include "net/grpc/server.h"
#include "net/testing/server_fixture.h"
#include "net/tls/make_certificate.h"
#include "net/tls/server_context.h"
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

// An authority, a server that it signed for `name`, and a client.
struct Keys {
  explicit Keys(const char* name = "127.0.0.1")
      : authority(*net::make_certificate({.common_name = "root", .authority = true})),
        server(*net::make_certificate({.common_name = "collector", .names = {name}}, &authority)),
        client(*net::make_certificate({.common_name = "gateway"}, &authority)) {}

  [[nodiscard]] net::http::HttpServerConfig server_config(bool ask_for_client = false) const {
    net::TlsServerConfig tls;
    tls.certificates.push_back(
        {.names = {}, .chain = {.text = server.chain_pem}, .key = {.text = server.key_pem}});
    if (ask_for_client) {
      tls.client_verify = net::ClientVerify::kRequired;
      tls.client_ca.text = authority.chain_pem;
    }
    net::http::HttpServerConfig config;
    config.tls = *net::TlsServerSource::create(tls);
    return config;
  }

  net::CertifiedKey authority, server, client;
};

TEST(SpanExporter, SendsOverTlsToACollectorThatItTrusts) {
  const Keys keys;
  for (const Protocol protocol : {Protocol::kHttpJson, Protocol::kGrpc}) {
    SCOPED_TRACE(static_cast<int>(protocol));
    Got got;
    net::grpc::Server methods;
    methods.add(kExport, [&](net::grpc::ServerCall& call) { return take_call(&got, call); });
    const bool grpc = protocol == Protocol::kGrpc;
    ServerFixture server(
        grpc ? methods.handler()
             : net::http::Handler([&](ServerExchange& exchange) { return take(&got, exchange); }),
        keys.server_config(true));
    TracingConfig config;
    config.endpoint = fmt::format("https://127.0.0.1:{}/v1/traces", server.port());
    config.protocol = protocol;
    config.authorities.text = keys.authority.chain_pem;
    config.certificate.text = keys.client.chain_pem;
    config.key.text = keys.client.key_pem;
    EXPECT_EQ(send(server, config, {named("a")})->sent(), 1u);
    EXPECT_FALSE(got.body.empty());

    // Without a certificate of ours this collector takes nothing.
    config.certificate = config.key = {};
    EXPECT_EQ(send(server, config, {named("a")})->dropped(), 1u);
  }
}

TEST(SpanExporter, TrustsNobodyElse) {
  struct Row {
    const char* name;
    Keys server;
    std::string authorities;  // "" = the system's
  };
  const Keys ours;
  const Keys elsewhere("collector.example.com");
  for (const Row& row :
       std::vector<Row>{{"signed by another authority", Keys(), ours.authority.chain_pem},
                        {"for another host", elsewhere, elsewhere.authority.chain_pem},
                        {"not known to the system", ours, ""}}) {
    Got got;
    ServerFixture server([&](ServerExchange& exchange) { return take(&got, exchange); },
                         row.server.server_config());
    TracingConfig config;
    config.endpoint = fmt::format("https://127.0.0.1:{}/v1/traces", server.port());
    config.authorities.text = row.authorities;
    EXPECT_EQ(send(server, config, {named("a")})->dropped(), 1u) << row.name;
    EXPECT_EQ(got.path, "") << row.name;
  }
}

TEST(SpanExporter, WrongCertificatesAreToldAtTheStart) {
  const Keys keys;
  ServerFixture server([](ServerExchange& exchange) { return take(nullptr, exchange); });
  const auto refused = [&](TracingConfig config) {
    config.endpoint = "https://collector:4318/v1/traces";
    const auto made = SpanExporter::create(server.loop(), std::move(config), "nacelle/test");
    EXPECT_FALSE(made.ok());
    return made.ok() ? std::string() : made.error().message();
  };
  TracingConfig config;
  config.authorities.file = "/no/such/ca.pem";
  EXPECT_NE(refused(config).find("/no/such/ca.pem"), std::string::npos);
  config.authorities = {.text = "no PEM"};
  EXPECT_NE(refused(config).find("https://collector:4318"), std::string::npos);
  config = {};
  config.key.text = keys.client.key_pem;
  EXPECT_NE(refused(config).find("without its certificate"), std::string::npos);
  EXPECT_EQ(refused(config).find("PRIVATE"), std::string::npos);
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
        Row{"http://c:4317/x", Protocol::kHttpJson, Protocol::kHttpJson, 4317, "/x"},
        Row{"https://c:4318/v1/traces", {}, Protocol::kHttpJson, 4318, "/v1/traces"},
        Row{"https://c:4317", {}, Protocol::kGrpc, 4317, "/"},
        Row{"https://c/v1/traces", {}, Protocol::kHttpJson, 443, "/v1/traces"},
        Row{"https://c", Protocol::kGrpc, Protocol::kGrpc, 443, "/"}}) {
    const auto collector = collector_of({.endpoint = row.endpoint, .protocol = row.protocol});
    ASSERT_TRUE(collector.ok()) << row.endpoint;
    EXPECT_EQ(collector->protocol, row.used) << row.endpoint;
    EXPECT_EQ(collector->address.port, row.port) << row.endpoint;
    EXPECT_EQ(collector->target, row.target) << row.endpoint;
    EXPECT_EQ(collector->tls, std::string_view(row.endpoint).starts_with("https")) << row.endpoint;
  }
  for (const char* endpoint : {"ftp://c:4318", "c:4318", "https:/c", "https://", "http://:0"})
    EXPECT_FALSE(collector_of({.endpoint = endpoint}).ok()) << endpoint;
}

}  // namespace
}  // namespace nacelle::tracing
