// admission.h: what every generation request passes before work is spent on it.
//
// Home:    the connection's loop.
#pragma once

#include <cstdint>
#include <variant>

#include "engine/engine.h"
#include "openai/error.h"
#include "serve/server_state.h"

namespace nacelle::serve {

// Places for n x num_prompts sequences. Errors: 503 when draining or when the queue is full, 400
// when one request asks for more sequences than the operator allows.
[[nodiscard]] openai::Parsed<engine::Engine::Admission> admit(ServerState& state, std::int64_t n,
                                                              std::size_t num_prompts);

// 503 for the work pool's bound, the error's own status otherwise.
[[nodiscard]] openai::Error work_pool_error(ServerState& state, const Status& status);

// Counts a generation call in GET /load while it lives.
class LoadGuard {
 public:
  explicit LoadGuard(ServerState& state)
      : counter_(state.config.enable_server_load_tracking ? &state.load : nullptr) {
    if (counter_ != nullptr) ++*counter_;
  }
  ~LoadGuard() {
    if (counter_ != nullptr) --*counter_;
  }
  LoadGuard(const LoadGuard&) = delete;
  LoadGuard& operator=(const LoadGuard&) = delete;

 private:
  std::atomic<std::int64_t>* counter_;
};

}  // namespace nacelle::serve
