// local_transport.h: the API of this process as a transport: a handler call, without sockets.
//
//   auto local = std::make_shared<LocalTransport>(loop, [&](ServerExchange& e) { return api(e); });
//   Client client(local);
//   ...
//   co_await local->stop();     // after the clients that use it are done
//
// The handler is the one that an HTTP server of net/http serves: it sees the same exchange, and a
// watcher that goes away or reads slowly looks the same to it. Who calls is decided by whoever
// hands the handler over: no credential travels here.
//
// Home:    the loop, where the handler runs, too.
// Errors:  send(): cancelled after stop(). read(): data_loss for an answer that the handler broke
//          off, deadline_exceeded for one that is silent too long.
// Bounds:  kMaxHeldBytes of one answer wait for their reader: then the handler's write() waits.
#pragma once

#include <memory>
#include <set>

#include "async/task_scope.h"
#include "kube/transport.h"
#include "net/http/server.h"

namespace nacelle::kube {

class LocalExchange;

class LocalTransport final : public Transport {
 public:
  static constexpr std::size_t kMaxHeldBytes = std::size_t{256} << 10;

  LocalTransport(async::Loop& loop, net::http::Handler handler);
  ~LocalTransport() override;

  [[nodiscard]] async::Loop& loop() override { return loop_; }
  [[nodiscard]] async::Task<Result<std::unique_ptr<TransportAnswer>>> send(
      TransportRequest request) override;

  // Takes no more requests, tells running handlers that their client left, and waits for them.
  // Await before destruction.
  [[nodiscard]] async::Task<void> stop();

 private:
  async::Task<void> serve(std::shared_ptr<LocalExchange> exchange);

  async::Loop& loop_;
  const net::http::Handler handler_;
  bool stopping_ = false;
  std::set<LocalExchange*> running_;  // whose handlers run
  async::StopScope scope_;
};

}  // namespace nacelle::kube
