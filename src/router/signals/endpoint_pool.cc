#include "router/signals/endpoint_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "async/timer.h"
#include "base/check.h"
#include "router/signals/engine_metrics.h"
#include "telemetry/log.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kMaxMetricsBytes = std::size_t{4} << 20;

// Publishing copies the whole pool, so changes that come together are published together.
constexpr Duration kPublishDelay = std::chrono::milliseconds(5);

}  // namespace

struct EndpointPool::Member {
  EndpointId id;
  FileEndpoint endpoint;
  net::HostPort host_port;
  std::shared_ptr<const Labels> labels;
  const EngineSpec* engine = nullptr;
  EngineReading reading;            // loop
  bool published_serving = true;    // loop
  std::atomic<bool> serving{true};  // cleared by any thread, set by the loop
  std::atomic<bool> gone{false};    // no longer in the pool
};

EndpointPool::EndpointPool(async::Loop& loop, Config config, Router& router)
    : loop_(loop), config_(std::move(config)), router_(router), client_(loop), scope_(loop) {
  for (const std::string& address : config_.addresses) {
    members_.push_back(make_member(EndpointId{static_cast<std::uint32_t>(members_.size())},
                                   {address, "default", address, {}}));
  }
}

EndpointPool::~EndpointPool() = default;

EndpointPool::MemberPtr EndpointPool::make_member(EndpointId id,
                                                  const FileEndpoint& endpoint) const {
  auto member = std::make_shared<Member>();
  member->id = id;
  member->endpoint = endpoint;
  auto parsed = net::parse_host_port(endpoint.address);
  CHECK(parsed.has_value());  // validated with the configuration
  member->host_port = *parsed;
  const std::string* engine = nullptr;
  for (const auto& [key, value] : endpoint.labels) {
    if (key == config_.engines.label_key ||
        (engine == nullptr && key == config_.engines.legacy_label_key)) {
      engine = &value;
    }
  }
  if (!endpoint.labels.empty()) member->labels = std::make_shared<const Labels>(endpoint.labels);
  if (engine != nullptr) member->engine = config_.engines.find(*engine);
  if (member->engine == nullptr) {
    member->engine = config_.engines.find(config_.engines.default_engine);
  }
  CHECK(member->engine != nullptr);
  return member;
}

std::vector<EndpointPool::MemberPtr> EndpointPool::members() const {
  const std::scoped_lock lock(mutex_);
  return members_;
}

void EndpointPool::start() {
  publish();
  loop_.post([this] {
    for (const MemberPtr& member : members()) scope_.spawn(watch(member));
  });
}

async::Task<void> EndpointPool::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

void EndpointPool::set_endpoints(const std::vector<FileEndpoint>& endpoints,
                                 std::function<void()> published) {
  std::vector<MemberPtr> next, added;
  {
    const std::scoped_lock lock(mutex_);
    std::vector<bool> used;
    const auto use = [&](EndpointId id) {
      used.resize(std::max<std::size_t>(used.size(), id.value + std::size_t{1}));
      used[id.value] = true;
    };
    for (const MemberPtr& member : members_) use(member->id);
    for (const FileEndpoint& endpoint : endpoints) {
      const auto same = std::find_if(members_.begin(), members_.end(),
                                     [&](const MemberPtr& m) { return m->endpoint == endpoint; });
      if (same != members_.end()) {
        next.push_back(*same);
        continue;
      }
      // Ids of endpoints that leave now are not given away in the same step.
      const auto free = std::find(used.begin(), used.end(), false);
      const EndpointId id{static_cast<std::uint32_t>(free - used.begin())};
      use(id);
      next.push_back(make_member(id, endpoint));
      added.push_back(next.back());
    }
    for (const MemberPtr& member : members_) {
      member->gone = std::find(next.begin(), next.end(), member) == next.end();
    }
    members_ = next;
  }
  loop_.post([this, added, published = std::move(published)] {
    for (const MemberPtr& member : added) scope_.spawn(watch(member));
    publish();
    if (published) published();
  });
}

void EndpointPool::mark_failed(EndpointId endpoint) {
  for (const MemberPtr& member : members()) {
    if (member->id != endpoint || !member->serving.exchange(false)) continue;
    loop_.post([this] { publish(); });
  }
}

async::Task<void> EndpointPool::watch(MemberPtr member) {
  while (!scope_.stop_requested() && !member->gone) {
    const Status scraped = co_await scrape(member);
    const bool was_serving = member->serving.load();
    if (scraped.ok()) {
      if (!member->published_serving) {
        router_.forget_prefixes(member->id);
        log::info("endpoint answers", {{"endpoint", member->endpoint.address}});
      }
      member->serving = true;
    } else if (scraped.code() != Code::kCancelled) {
      ++polls_failed_;
      if (was_serving && member->reading.metrics.known)
        log::warn("endpoint does not answer",
                  {{"endpoint", member->endpoint.address}, {"why", scraped}});
      member->serving = false;
    }
    publish_soon();
    if (const bool slept = co_await scope_.sleep(config_.scrape_interval); !slept) break;
  }
}

async::Task<Status> EndpointPool::scrape(MemberPtr member) {
  net::http::RequestHead head;
  head.target = config_.source.path;
  net::http::ClientOptions options;
  options.connect_timeout = config_.scrape_timeout;
  options.head_timeout = config_.scrape_timeout;
  options.read_idle_timeout = config_.scrape_timeout;
  options.tls = config_.source.tls;
  net::HostPort address = member->host_port;
  if (config_.source.port != 0) address.port = config_.source.port;
  net::http::ClientExchange exchange(client_);
  const Status sent = co_await exchange.send(address, head, {}, options);
  if (!sent.ok()) co_return sent;
  auto body = co_await exchange.read_body(kMaxMetricsBytes);
  if (!body) co_return body.error();
  if (exchange.response().status / 100 != 2) {
    ++polls_failed_;
  } else if (extract_engine_metrics(*body, *member->engine, member->reading) > 0) {
    member->reading.metrics.known = true;
    member->reading.metrics.updated = std::chrono::steady_clock::now();
  } else {
    ++extracts_failed_;
  }
  co_return Status();
}

void EndpointPool::publish_soon() {
  if (publish_pending_) return;
  publish_pending_ = true;
  scope_.spawn(publish_later());
}

async::Task<void> EndpointPool::publish_later() {
  const bool slept = co_await scope_.sleep(kPublishDelay);
  publish_pending_ = false;
  if (slept) publish();
}

void EndpointPool::publish() {
  auto pool = std::make_shared<PoolSnapshot>();
  for (const MemberPtr& member : members()) {
    member->published_serving = member->serving.load();
    EndpointSnapshot& out = pool->endpoints.emplace_back();
    out.id = member->id;
    out.name = member->endpoint.name;
    out.name_space = member->endpoint.name_space;
    out.address = member->endpoint.address;
    out.serving = member->published_serving;
    out.metrics = member->reading.metrics;
    out.labels = member->labels;
    out.lora = member->reading.lora;
    out.attributes = member->reading.attributes;
  }
  router_.publish(std::move(pool));
}

bool EndpointPool::any_serving() const {
  const std::scoped_lock lock(mutex_);
  return std::any_of(members_.begin(), members_.end(),
                     [](const MemberPtr& member) { return member->serving.load(); });
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
