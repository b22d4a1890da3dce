// engines.h: upstreams that do not end by themselves, for tests of who ends them.
//
// Home:    tests; the loop of the upstream. Counters may be read anywhere.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/task.h"
#include "net/http/server.h"

namespace nacelle::gateway::testing {

// Generates until its client is gone. What it counts outlives it: an exchange may end only when all
// is drained, behind the test's body.
class UntilGone {
  struct State {
    std::atomic<int> asked{0}, cancelled{0};
    bool streams = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();

 public:
  std::atomic<int>& asked = state_->asked;
  std::atomic<int>& cancelled = state_->cancelled;
  bool& streams = state_->streams;  // says one event first

  net::http::Handler handler() {
    return
        [state = state_](net::http::ServerExchange& exchange) { return serve(state, &exchange); };
  }

 private:
  static async::Task<void> serve(std::shared_ptr<State> self, net::http::ServerExchange* exchange) {
    async::Event gone(exchange->loop());
    exchange->on_client_gone([&gone] { gone.set(); });
    (void)co_await exchange->read_body(1 << 20);
    ++self->asked;
    if (self->streams) {
      net::http::ResponseHead head;
      head.headers.add("content-type", "text/event-stream");
      (void)co_await exchange->start(head);
      (void)co_await exchange->write("data: 1\n\n");
    }
    const Status left = co_await gone.wait(std::chrono::steady_clock::now() + 20s);
    exchange->on_client_gone({});
    if (left.ok()) ++self->cancelled;
  }
};

// Writes 100 MB as fast as its client reads. Counts as UntilGone does.
class Flood {
  struct State {
    std::atomic<std::uint64_t> written{0};
    std::atomic<int> running{0};
    std::string type = "text/event-stream";
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();

 public:
  static constexpr std::uint64_t kBytes = 100u << 20;
  std::atomic<std::uint64_t>& written = state_->written;
  std::atomic<int>& running = state_->running;
  std::string& type = state_->type;

  net::http::Handler handler() {
    return
        [state = state_](net::http::ServerExchange& exchange) { return serve(state, &exchange); };
  }

 private:
  static async::Task<void> serve(std::shared_ptr<State> self, net::http::ServerExchange* exchange) {
    ++self->running;
    (void)co_await exchange->read_body(1 << 20);
    net::http::ResponseHead head;
    head.headers.add("content-type", self->type);
    (void)co_await exchange->start(head);
    const std::string chunk = "data: " + std::string(64 << 10, 'x') + "\n\n";
    for (std::uint64_t sent = 0; sent < kBytes; sent += chunk.size()) {
      const Status written = co_await exchange->write(chunk);
      if (!written.ok()) break;
      self->written += chunk.size();
    }
    --self->running;
  }
};

// A sample of /metrics without labels; -1 when it is not there.
[[nodiscard]] inline double value_of(const std::string& metrics, const std::string& name) {
  const std::size_t at = metrics.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(metrics.substr(at + name.size() + 2));
}

}  // namespace nacelle::gateway::testing
