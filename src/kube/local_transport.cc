#include "kube/local_transport.h"

#include <utility>

#include "kube/local/local_exchange.h"

namespace nacelle::kube {
namespace {

using Exchange = std::shared_ptr<LocalExchange>;

class LocalAnswer final : public TransportAnswer {
 public:
  LocalAnswer(Exchange exchange, net::http::ResponseHead head)
      : exchange_(std::move(exchange)), head_(std::move(head)) {}
  ~LocalAnswer() override { exchange_->leave(); }

  [[nodiscard]] const net::http::ResponseHead& head() const override { return head_; }
  [[nodiscard]] async::Task<Result<std::string>> read() override {
    return exchange_->read(std::chrono::steady_clock::now() + exchange_->silence());
  }

 private:
  const Exchange exchange_;
  const net::http::ResponseHead head_;
};

// Whoever sent the request may be cancelled at any wait: the handler is told.
struct LeaveUnlessAnswered {
  Exchange exchange;
  bool answered = false;
  ~LeaveUnlessAnswered() {
    if (!answered) exchange->leave();
  }
};

}  // namespace

LocalTransport::LocalTransport(async::Loop& loop, net::http::Handler handler)
    : loop_(loop), handler_(std::move(handler)), scope_(loop) {}

LocalTransport::~LocalTransport() = default;

async::Task<void> LocalTransport::serve(std::shared_ptr<LocalExchange> exchange) {
  running_.insert(exchange.get());
  co_await handler_(*exchange);
  running_.erase(exchange.get());
  exchange->handler_returned();
}

async::Task<Result<std::unique_ptr<TransportAnswer>>> LocalTransport::send(
    TransportRequest request) {
  if (stopping_) co_return cancelled("the API of this process stops");
  const TimePoint deadline = std::chrono::steady_clock::now() + request.silence;
  LeaveUnlessAnswered guard{
      std::make_shared<LocalExchange>(loop_, std::move(request), kMaxHeldBytes)};
  scope_.spawn(serve(guard.exchange));
  auto head = co_await guard.exchange->head(deadline);
  if (!head.ok()) co_return head.error();
  guard.answered = true;
  co_return std::make_unique<LocalAnswer>(guard.exchange, std::move(*head));
}

async::Task<void> LocalTransport::stop() {
  stopping_ = true;
  for (LocalExchange* exchange : running_) exchange->leave();
  co_await scope_.join();
}

}  // namespace nacelle::kube
