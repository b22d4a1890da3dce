// fixture.h: a gateway with YAML configuration, HTTP upstreams and raw ones, on one loop.
//
// Home:    tests. All parts share one loop, so that a test needs no synchronisation.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "gateway/config/load.h"
#include "gateway/gateway.h"
#include "gateway/upstream/cluster_picker.h"
#include "net/http/client.h"
#include "net/http/server.h"

namespace nacelle::gateway::testing {

struct Answer {
  Status status;
  int code = 0;
  std::string body;
  net::http::Headers headers;
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Blocking sockets on a thread: accepts one connection after the other, reads a request head and
// what comes with it, sends `bytes(n)` on the n-th and ends it with a reset.
class ResettingServer {
 public:
  explicit ResettingServer(std::function<std::string(std::size_t)> bytes);
  ~ResettingServer();
  [[nodiscard]] std::string address() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class GatewayFixture : public ::testing::Test {
 public:
  void SetUp() override;
  void TearDown() override;

  // "127.0.0.1:port" of a server with this handler.
  std::string upstream(net::http::Handler handler);

  // Puts the objects in force; the first time with ports, then as a reload. `@NAME@` in the text
  // stands for an address of upstream().
  virtual Status apply(const std::string& yaml);
  void start(const std::string& yaml);
  // Drains the gateway and destroys it on its loop, where its idle connections live; start() makes
  // another one.
  void stop();

  Answer ask(const std::string& method, const std::string& target, HeaderList headers = {},
             std::string body = "");
  Answer ask_port(std::uint16_t port, const std::string& method, const std::string& target,
                  HeaderList headers = {}, std::string body = "");
  std::string admin(const std::string& path);

  async::Runtime runtime_{1};
  std::unique_ptr<net::http::HttpClient> client_;
  std::vector<std::unique_ptr<net::http::HttpServer>> upstreams_;
  std::unique_ptr<Gateway> gateway_;
  GatewayOptions options_;  // of start()
  PickerFactory pickers_;   // of start(); empty: pools take their endpoints in turn
};

// Declared after servers whose threads end with their connections: the gateway goes first.
class StopsFirst {
 public:
  explicit StopsFirst(GatewayFixture& fixture) : fixture_(fixture) {}
  ~StopsFirst() { fixture_.stop(); }
  StopsFirst(const StopsFirst&) = delete;
  StopsFirst& operator=(const StopsFirst&) = delete;

 private:
  GatewayFixture& fixture_;
};

// A Gateway "gw" with one HTTP listener on a port that the kernel chooses.
[[nodiscard]] std::string base_objects(const std::string& settings = "");
// A Service with static endpoints on port 80.
[[nodiscard]] std::string service(const std::string& name,
                                  const std::vector<std::string>& addresses,
                                  const std::string& app_protocol = "http");
// An InferencePool whose picker takes its endpoints in turn.
[[nodiscard]] std::string pool(const std::string& name, const std::vector<std::string>& addresses,
                               const std::string& app_protocol = "http");
inline constexpr const char* kH2c = "kubernetes.io/h2c";
// An HTTPRoute with these rules (YAML list items, indented by two).
[[nodiscard]] std::string route(const std::string& name, const std::string& rules);
[[nodiscard]] std::string policy(const std::string& target, const std::string& fields);

}  // namespace nacelle::gateway::testing
