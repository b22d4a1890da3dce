#include "serve/generation/generation.h"

#include <utility>

namespace nacelle::serve {
namespace {

using engine::FinishReason;

// How often a waiting handler looks whether the engine still lives.
constexpr Duration kHealthCheckPeriod = 5s;

}  // namespace

// Called on the engine loop. Keeps the mailbox alive until the engine let go of the sequence.
class Generation::Sink final : public engine::OutputSink {
 public:
  Sink(std::shared_ptr<Mailbox> mailbox, std::size_t choice)
      : mailbox_(std::move(mailbox)), choice_(choice) {}

  void on_output(engine::SequenceOutput output) override {
    // After the client left the mailbox is closed and drops what still comes.
    (void)mailbox_->post({choice_, std::move(output)});
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
  const std::size_t choice_;
};

Generation::Generation(engine::Engine& engine, net::http::ServerExchange& exchange)
    : engine_(engine), exchange_(exchange) {}

Generation::~Generation() {
  exchange_.on_client_gone({});
  if (mailbox_) mailbox_->close(cancelled("the request is over"));
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    if (running_[i]) engine_.abort(sequences_[i], FinishReason::kAbort);
  }
}

Status Generation::submit(std::vector<engine::Request> requests,
                          engine::Engine::Admission admission) {
  std::size_t bound = 0;
  for (const engine::Request& request : requests) bound += request.params.max_tokens + 2;
  mailbox_ = std::make_shared<Mailbox>(exchange_.loop(), bound);
  sequences_.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto sequence = engine_.submit(std::move(requests[i]), admission.take_one(),
                                   std::make_shared<Sink>(mailbox_, i));
    if (!sequence.ok()) return sequence.error();
    sequences_.push_back(*sequence);
    running_.push_back(true);
    ++num_running_;
  }
  exchange_.on_client_gone([mailbox = std::weak_ptr<Mailbox>(mailbox_)] {
    if (const auto open = mailbox.lock()) open->close(cancelled("the client left"));
  });
  return {};
}

async::Task<Status> Generation::receive(std::vector<ChoiceOutput>& batch) {
  for (;;) {
    const TimePoint look_again = std::chrono::steady_clock::now() + kHealthCheckPeriod;
    Status status = co_await mailbox_->receive(batch, look_again);
    if (status.ok()) break;
    if (status.code() != Code::kDeadlineExceeded) co_return status;
    if (!engine_.healthy()) co_return internal("The engine is dead.");
  }
  if (exchange_.client_gone()) co_return cancelled("the client left");
  for (const ChoiceOutput& item : batch) {
    if (item.output.finish == FinishReason::kNone || !running_[item.choice]) continue;
    running_[item.choice] = false;
    --num_running_;
  }
  co_return Status();
}

void Generation::stop(std::size_t choice) {
  if (!running_[choice]) return;
  running_[choice] = false;
  --num_running_;
  engine_.abort(sequences_[choice], FinishReason::kStop);
}

}  // namespace nacelle::serve
