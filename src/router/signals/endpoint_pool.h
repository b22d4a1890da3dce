// endpoint_pool.h: a fixed list of endpoints, kept current by scraping each one's /metrics.
//
// One task per endpoint scrapes at the interval; what changed is published to the router. An
// endpoint is taken out when a request or a scrape cannot reach it, and put back by the next scrape
// that works; then its process may be a new one, so its entries in the prefix index are forgotten.
//
// Home:    the loop given to start(); mark_failed() and describe() from any thread.
// Errors:  none of its own: an endpoint without /metrics (404) serves without gauges.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "async/task_scope.h"
#include "net/http/client.h"
#include "router/router.h"

namespace nacelle::router {

class EndpointPool {
 public:
  struct Config {
    std::vector<std::string> addresses;  // host:port; the index is the EndpointId
    Duration scrape_interval = 100ms;
    Duration scrape_timeout = 2s;
  };

  // `router` and `loop` outlive the pool.
  EndpointPool(async::Loop& loop, Config config, Router& router);
  ~EndpointPool();

  // Publishes the pool and starts scraping. On any thread.
  void start();
  // Ends the scraping tasks; await before destruction. On the loop.
  [[nodiscard]] async::Task<void> stop();

  // A request could not reach the endpoint. Any thread.
  void mark_failed(EndpointId endpoint);

  [[nodiscard]] bool any_serving() const;
  // JSON: one object per endpoint with address, state, load in flight and gauges.
  [[nodiscard]] std::string describe() const;

 private:
  struct Member;

  async::Task<void> watch(Member& member);
  async::Task<Status> scrape(Member& member);
  void publish();

  async::Loop& loop_;
  const Config config_;
  Router& router_;
  net::http::HttpClient client_;
  async::StopScope scope_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace nacelle::router
