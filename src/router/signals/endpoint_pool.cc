#include "router/signals/endpoint_pool.h"

#include <fmt/format.h>

#include "async/timer.h"
#include "base/check.h"
#include "router/signals/engine_metrics.h"
#include "telemetry/log.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kMaxMetricsBytes = std::size_t{4} << 20;

}  // namespace

struct EndpointPool::Member {
  EndpointId id;
  std::string address;
  net::HostPort host_port;
  EndpointMetrics metrics;          // loop
  bool published_serving = true;    // loop
  std::atomic<bool> serving{true};  // cleared by any thread, set by the loop
};

EndpointPool::EndpointPool(async::Loop& loop, Config config, Router& router)
    : loop_(loop), config_(std::move(config)), router_(router), client_(loop), scope_(loop) {
  for (const std::string& address : config_.addresses) {
    auto member = std::make_unique<Member>();
    member->id = EndpointId{static_cast<std::uint32_t>(members_.size())};
    member->address = address;
    auto parsed = net::parse_host_port(address);
    CHECK(parsed.has_value());  // validated with the configuration
    member->host_port = *parsed;
    members_.push_back(std::move(member));
  }
}

EndpointPool::~EndpointPool() = default;

void EndpointPool::start() {
  publish();
  loop_.post([this] {
    for (auto& member : members_) scope_.spawn(watch(*member));
  });
}

async::Task<void> EndpointPool::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

void EndpointPool::mark_failed(EndpointId endpoint) {
  CHECK(endpoint.value < members_.size());
  if (!members_[endpoint.value]->serving.exchange(false)) return;
  loop_.post([this] { publish(); });
}

async::Task<void> EndpointPool::watch(Member& member) {
  while (!scope_.stop_requested()) {
    const Status scraped = co_await scrape(member);
    const bool was_serving = member.serving.load();
    if (scraped.ok()) {
      if (!member.published_serving) {
        router_.forget_prefixes(member.id);
        log::info("endpoint answers", {{"endpoint", member.address}});
      }
      member.serving = true;
    } else if (scraped.code() != Code::kCancelled) {
      if (was_serving && member.metrics.known)
        log::warn("endpoint does not answer", {{"endpoint", member.address}, {"why", scraped}});
      member.serving = false;
    }
    publish();
    if (const bool slept = co_await scope_.sleep(config_.scrape_interval); !slept) break;
  }
}

async::Task<Status> EndpointPool::scrape(Member& member) {
  net::http::RequestHead head;
  head.target = "/metrics";
  net::http::ClientOptions options;
  options.connect_timeout = config_.scrape_timeout;
  options.head_timeout = config_.scrape_timeout;
  options.read_idle_timeout = config_.scrape_timeout;
  net::http::ClientExchange exchange(client_);
  const Status sent = co_await exchange.send(member.host_port, head, {}, options);
  if (!sent.ok()) co_return sent;
  auto body = co_await exchange.read_body(kMaxMetricsBytes);
  if (!body) co_return body.error();
  if (exchange.response().status == 200 && extract_engine_metrics(*body, member.metrics) > 0) {
    member.metrics.known = true;
    member.metrics.updated = std::chrono::steady_clock::now();
  }
  co_return Status();
}

void EndpointPool::publish() {
  auto pool = std::make_shared<PoolSnapshot>();
  pool->endpoints.reserve(members_.size());
  for (auto& member : members_) {
    member->published_serving = member->serving.load();
    pool->endpoints.push_back(
        {member->id, member->address, member->address, member->published_serving, member->metrics});
  }
  router_.publish(std::move(pool));
}

bool EndpointPool::any_serving() const {
  for (const auto& member : members_) {
    if (member->serving.load()) return true;
  }
  return false;
}

std::string EndpointPool::describe() const {
  const PoolSnapshotPtr pool = router_.pool();
  std::string out = "[";
  for (const EndpointSnapshot& endpoint : pool->endpoints) {
    const InFlightLoad load = router_.load_of(endpoint.id);
    const EndpointMetrics& metrics = endpoint.metrics;
    out += fmt::format(
        R"({}{{"address":"{}","serving":{},"requests_in_flight":{},"tokens_in_flight":{},"waiting":{},"running":{},"kv_usage":{:.4f},"block_size":{},"num_blocks":{}}})",
        out.size() > 1 ? "," : "", endpoint.address, endpoint.serving, load.requests, load.tokens,
        metrics.waiting_requests, metrics.running_requests, metrics.kv_usage,
        metrics.block_size_tokens, metrics.num_blocks);
  }
  return out + "]\n";
}

}  // namespace nacelle::router
