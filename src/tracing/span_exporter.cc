#include "tracing/span_exporter.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "net/grpc/client.h"
#include "telemetry/log.h"
#include "tracing/encode.h"

namespace nacelle::tracing {
namespace {

constexpr Duration kConnectTimeout = 2s;
constexpr Duration kAnswerTimeout = 5s;
constexpr const char* kExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

}  // namespace

SpanExporter::SpanExporter(async::Loop& loop, TracingConfig config, Collector collector, Tls tls,
                           std::string scope)
    : config_(std::move(config)),
      collector_(std::move(collector)),
      tls_(std::move(tls)),
      scope_name_(std::move(scope)),
      loop_(loop),
      scope_(loop) {}

SpanExporter::~SpanExporter() = default;

Result<std::unique_ptr<SpanExporter>> SpanExporter::create(async::Loop& loop, TracingConfig config,
                                                           std::string scope) {
  ASSIGN_OR_RETURN(Collector collector, collector_of(config));
  Tls tls;
  if (collector.tls) {
    net::TlsClientConfig client;
    client.ca = config.authorities;
    client.certificate = config.certificate;
    client.key = config.key;
    auto made = net::TlsClientContext::create(client);
    if (!made) return made.error().with_context("collector " + config.endpoint);
    tls = std::move(*made);
  }
  return std::unique_ptr<SpanExporter>(new SpanExporter(
      loop, std::move(config), std::move(collector), std::move(tls), std::move(scope)));
}

void SpanExporter::start() {
  loop_.post([this] {
    client_ = std::make_unique<net::http::HttpClient>(loop_);
    scope_.spawn(run());
  });
}

void SpanExporter::add(Span span) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= kQueue) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  queue_.push_back(std::move(span));
}

async::Task<void> SpanExporter::run() {
  for (;;) {
    const bool more = co_await scope_.sleep(kInterval);
    co_await send_queued();
    if (!more) co_return;
  }
}

std::vector<Span> SpanExporter::take_batch() {
  const std::lock_guard lock(mutex_);
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(kBatch, queue_.size()));
  std::vector<Span> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return batch;
}

async::Task<void> SpanExporter::send_queued() {
  for (;;) {
    const std::vector<Span> batch = take_batch();
    if (batch.empty()) co_return;
    const Status sent = co_await send(batch);
    if (sent.ok()) {
      sent_.fetch_add(batch.size(), std::memory_order_relaxed);
      reported_ = false;
    } else {
      dropped_.fetch_add(batch.size(), std::memory_order_relaxed);
      if (!std::exchange(reported_, true)) log::warn("spans are dropped", {{"why", sent}});
    }
  }
}

async::Task<Status> SpanExporter::send(const std::vector<Span>& batch) {
  return collector_.protocol == Protocol::kGrpc ? send_grpc(batch) : send_http(batch);
}

async::Task<Status> SpanExporter::send_http(const std::vector<Span>& batch) {
  net::http::RequestHead head;
  head.method = "POST";
  head.target = collector_.target;
  head.headers.add("content-type", "application/json");
  for (const auto& [name, value] : config_.headers) head.headers.add(name, value);
  const std::string body = export_json(config_, scope_name_, batch);
  net::http::ClientOptions options;
  options.connect_timeout = kConnectTimeout;
  options.head_timeout = kAnswerTimeout;
  options.read_idle_timeout = kAnswerTimeout;
  options.tls = tls_;
  net::http::ClientExchange exchange(*client_);
  const Status sent = co_await exchange.send(collector_.address, head, body, options);
  if (!sent.ok()) co_return sent;
  const int status = exchange.response().status;
  if (status / 100 != 2) co_return unavailable("the collector answered {}", status);
  (void)co_await exchange.read_body(64 << 10);
  co_return Status();
}

async::Task<Status> SpanExporter::send_grpc(const std::vector<Span>& batch) {
  net::grpc::CallOptions options;
  options.connect_timeout = kConnectTimeout;
  options.timeout = kAnswerTimeout;
  options.tls = tls_;
  for (const auto& [name, value] : config_.headers) options.metadata.add(name, value);
  std::string request = export_protobuf(config_, scope_name_, batch);
  const auto answer = co_await net::grpc::call_unary(*client_, collector_.address, kExport,
                                                     std::move(request), std::move(options));
  co_return answer.ok() ? Status() : answer.error();
}

async::Task<void> SpanExporter::stop() {
  scope_.stop();
  co_await scope_.join();
  client_.reset();
}

void SpanExporter::collect(telemetry::Snapshot& out, const std::string& prefix) const {
  out.counter(prefix + "_spans_dropped_total", "Spans that nobody took.", {},
              static_cast<double>(dropped()));
  out.counter(prefix + "_spans_sent_total", "Spans that the collector took.", {},
              static_cast<double>(sent()));
}

}  // namespace nacelle::tracing
