// span_exporter.h: sends spans to an OpenTelemetry collector: OTLP over HTTP with JSON, or gRPC.
//
// Home:    add() from any thread and never blocks; sending on the loop given to the constructor.
// Bound:   kQueue spans wait; beyond it a span is dropped and counted. A batch that the collector
//          does not take is dropped: traces are not worth memory that grows.
// Source:  OTLP 1.x, "OTLP/HTTP" and "OTLP/gRPC".
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "net/http/client.h"
#include "telemetry/metrics.h"
#include "tracing/config.h"
#include "tracing/span.h"

namespace nacelle::tracing {

class SpanExporter {
 public:
  static constexpr std::size_t kQueue = 4096;
  static constexpr std::size_t kBatch = 512;
  static constexpr Duration kInterval = 1s;

  // `scope` names what makes the spans. invalid_argument for an endpoint that is no collector, and
  // what net::TlsClientContext::create() says of certificates for one behind TLS.
  [[nodiscard]] static Result<std::unique_ptr<SpanExporter>> create(async::Loop& loop,
                                                                    TracingConfig config,
                                                                    std::string scope);
  ~SpanExporter();  // after stop()

  void start();  // any thread
  void add(Span span);
  // Sends what is queued, once, and ends. On the loop.
  [[nodiscard]] async::Task<void> stop();

  [[nodiscard]] double sample_ratio() const { return config_.sample_ratio; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  // <prefix>_spans_sent_total and <prefix>_spans_dropped_total.
  void collect(telemetry::Snapshot& out, const std::string& prefix) const;

 private:
  using Tls = std::shared_ptr<const net::TlsClientContext>;
  SpanExporter(async::Loop& loop, TracingConfig config, Collector collector, Tls tls,
               std::string scope);
  async::Task<void> run();
  async::Task<void> send_queued();
  [[nodiscard]] std::vector<Span> take_batch();
  async::Task<Status> send(const std::vector<Span>& batch);
  async::Task<Status> send_http(const std::vector<Span>& batch);
  async::Task<Status> send_grpc(const std::vector<Span>& batch);

  const TracingConfig config_;
  const Collector collector_;
  const Tls tls_;  // null: in the clear
  const std::string scope_name_;
  async::Loop& loop_;
  std::unique_ptr<net::http::HttpClient> client_;
  async::StopScope scope_;
  std::mutex mutex_;
  std::vector<Span> queue_;  // guarded
  std::atomic<std::uint64_t> dropped_{0}, sent_{0};
  bool reported_ = false;
};

}  // namespace nacelle::tracing
