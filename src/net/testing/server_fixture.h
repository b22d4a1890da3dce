// server_fixture.h: a runtime with an HTTP server on a port of the kernel's choice, for tests.
#pragma once

#include <memory>
#include <utility>

#include "async/runtime.h"
#include "net/http/client.h"
#include "net/http/server.h"

namespace nacelle::net::testing {

class ServerFixture {
 public:
  explicit ServerFixture(http::Handler handler, http::HttpServerConfig config = {},
                         std::size_t num_loops = 1)
      : runtime_(num_loops) {
    runtime_.start();
    config.address = {"127.0.0.1", 0};
    auto bound = http::HttpServer::bind(runtime_, config, std::move(handler));
    CHECK(bound.ok());
    server_ = std::move(*bound);
    CHECK(server_->listen().ok());
  }
  ~ServerFixture() {
    if (server_ != nullptr) (void)drain(0ms);
  }

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] HostPort address() const { return {"127.0.0.1", port()}; }
  [[nodiscard]] http::HttpServer& server() { return *server_; }
  [[nodiscard]] async::Loop& loop() { return runtime_.loop(0); }

  template <class T>
  T run(async::Task<T> task) {
    return async::run_blocking(loop(), std::move(task));
  }
  Status drain(Duration patience) {
    return run(server_->drain(std::chrono::steady_clock::now() + patience));
  }

 private:
  async::Runtime runtime_;
  std::unique_ptr<http::HttpServer> server_;
};

}  // namespace nacelle::net::testing
