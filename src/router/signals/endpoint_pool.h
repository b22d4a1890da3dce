// endpoint_pool.h: the endpoints of one pool, kept current by scraping each one's /metrics.
//
// One task per endpoint scrapes at the interval; what changed is published to the router, at most
// every few milliseconds however many endpoints there are. An endpoint is taken out when a request
// or a scrape cannot reach it, and put back by the next scrape that works; then its process may be
// a new one, so its entries in the prefix index are forgotten.
//
// Home:    the loop given to the constructor; mark_failed(), set_endpoints() and describe() from
// any
//          thread.
// Errors:  none of its own: an endpoint without /metrics (404) serves without gauges.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "async/task_scope.h"
#include "net/http/client.h"
#include "net/tls/client_context.h"
#include "router/router.h"
#include "router/signals/endpoints_file.h"
#include "router/signals/engine_specs.h"

namespace nacelle::router {

// Where an engine's gauges are read.
struct ScrapeSource {
  std::string path = "/metrics";
  std::uint16_t port = 0;                            // 0: the endpoint's own
  std::shared_ptr<const net::TlsClientContext> tls;  // null: plain HTTP
};

// Scrapes that got no metrics since the start.
struct ScrapeErrors {
  std::uint64_t polls = 0;     // nobody answered, or not with 2xx
  std::uint64_t extracts = 0;  // nothing in the answer was a metric of the engine
};

class EndpointPool {
 public:
  struct Config {
    std::vector<std::string> addresses;  // host:port; the index is the EndpointId
    Duration scrape_interval = 100ms;
    Duration scrape_timeout = 2s;
    EngineSpecs engines;
    ScrapeSource source;
  };

  // `router` and `loop` outlive the pool.
  EndpointPool(async::Loop& loop, Config config, Router& router);
  ~EndpointPool();

  // Publishes the pool and starts scraping. On any thread.
  void start();
  // Ends the scraping tasks; await before destruction. On the loop.
  [[nodiscard]] async::Task<void> stop();

  // Replaces the endpoints: those that stay (by namespace and name, at the same address) keep their
  // id and what is known of them. Addresses were validated. After start().
  // `published` (may be empty) runs on the loop when picks see them.
  void set_endpoints(const std::vector<FileEndpoint>& endpoints,
                     std::function<void()> published = {});

  // A request could not reach the endpoint. Any thread.
  void mark_failed(EndpointId endpoint);

  [[nodiscard]] ScrapeErrors scrape_errors() const { return {polls_failed_, extracts_failed_}; }

  [[nodiscard]] bool any_serving() const;
  // JSON: one object per endpoint with address, state, load in flight and gauges.
  [[nodiscard]] std::string describe() const;

 private:
  struct Member;
  using MemberPtr = std::shared_ptr<Member>;

  [[nodiscard]] MemberPtr make_member(EndpointId id, const FileEndpoint& endpoint) const;
  [[nodiscard]] std::vector<MemberPtr> members() const;
  async::Task<void> watch(MemberPtr member);
  async::Task<Status> scrape(MemberPtr member);
  void publish();
  void publish_soon();
  async::Task<void> publish_later();

  async::Loop& loop_;
  const Config config_;
  Router& router_;
  net::http::HttpClient client_;
  async::StopScope scope_;
  bool publish_pending_ = false;  // loop
  std::atomic<std::uint64_t> polls_failed_{0}, extracts_failed_{0};
  mutable std::mutex mutex_;  // leaf
  std::vector<MemberPtr> members_;
};

}  // namespace nacelle::router
