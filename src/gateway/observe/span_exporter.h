// span_exporter.h: sends spans to an OpenTelemetry collector: OTLP/HTTP with JSON.
//
// Home:    add() from any thread and never blocks; sending on the loop given to the constructor.
// Bound:   kQueue spans wait; beyond it a span is dropped and counted. A batch that the collector
//          does not take is dropped: traces are not worth memory that grows.
// Source:  OTLP 1.x, "OTLP/HTTP"; gateway.md section 14 (gen_ai convention, span kind SERVER for
// the
//          proxy's own span).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "gateway/config/model.h"
#include "gateway/observe/exchange_record.h"
#include "net/http/client.h"

namespace nacelle::gateway {

// One span as OTLP JSON.
[[nodiscard]] std::string span_json(const ExchangeRecord& record);
// A whole export request.
[[nodiscard]] std::string export_json(const std::string& service,
                                      const std::vector<std::string>& spans);

struct CollectorUrl {
  net::HostPort address;
  std::string target;
};
// "http://host[:port][/path]"; invalid_argument for anything else.
[[nodiscard]] Result<CollectorUrl> parse_collector_url(std::string_view url);

class SpanExporter {
 public:
  static constexpr std::size_t kQueue = 4096;
  static constexpr std::size_t kBatch = 512;
  static constexpr Duration kInterval = 1s;

  SpanExporter(async::Loop& loop, TracingConfig config, CollectorUrl url);
  ~SpanExporter();  // after stop()

  void start();  // any thread
  void add(const ExchangeRecord& record);
  // Sends what is queued, once, and ends. On the loop.
  [[nodiscard]] async::Task<void> stop();

  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }

 private:
  async::Task<void> run();
  async::Task<void> send_queued();

  const TracingConfig config_;
  const CollectorUrl url_;
  async::Loop& loop_;
  std::unique_ptr<net::http::HttpClient> client_;
  async::StopScope scope_;
  std::mutex mutex_;
  std::vector<std::string> queue_;  // guarded
  std::atomic<std::uint64_t> dropped_{0}, sent_{0};
  bool reported_ = false;
};

}  // namespace nacelle::gateway
