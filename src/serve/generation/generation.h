// generation.h: the sequences of one client request, in flight.
//
// The engine's outputs come through a mailbox to the connection's loop. When the client leaves, the
// waiting handler wakes with `cancelled`; whatever way the object goes, sequences that have not
// ended are aborted, so that their KV blocks are free before the engine's next step.
//
// Home:    the connection's loop; lives in the handler's frame.
// Bounds:  the mailbox holds one message per token that the sequences may still produce.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "async/mailbox.h"
#include "async/task.h"
#include "engine/engine.h"
#include "net/http/server_exchange.h"

namespace nacelle::serve {

// An engine output and the choice that it belongs to.
struct ChoiceOutput {
  std::size_t choice = 0;
  engine::SequenceOutput output;
};

class Generation {
 public:
  // Both must outlive this object.
  Generation(engine::Engine& engine, net::http::ServerExchange& exchange);
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Queues one sequence per request; the i-th is choice i. Call once. On an error nothing runs.
  [[nodiscard]] Status submit(std::vector<engine::Request> requests,
                              engine::Engine::Admission admission);

  // Waits for outputs. Errors: cancelled (the client left), unavailable (the engine died).
  [[nodiscard]] async::Task<Status> receive(std::vector<ChoiceOutput>& batch);

  // The choice is complete for the client: the engine need not go on with it.
  void stop(std::size_t choice);

  [[nodiscard]] const engine::Engine& engine() const { return engine_; }
  [[nodiscard]] std::size_t num_running() const { return num_running_; }

 private:
  using Mailbox = async::Mailbox<ChoiceOutput>;
  class Sink;

  engine::Engine& engine_;
  net::http::ServerExchange& exchange_;
  std::shared_ptr<Mailbox> mailbox_;
  std::vector<engine::SequenceId> sequences_;
  std::vector<bool> running_;
  std::size_t num_running_ = 0;
};

}  // namespace nacelle::serve
