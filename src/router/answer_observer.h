// answer_observer.h: sees the answer to one placed request, and learns from it.
//
// Calls in order: first token, tokens (those behind the first), complete; of an answer that is no
// stream only the last. An answer that failed is not completed and teaches nothing more.
//
// Home:    the request's loop.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace nacelle::router {

class AnswerObserver {
 public:
  virtual ~AnswerObserver() = default;
  virtual void on_first_token(TimePoint now) = 0;
  virtual void on_tokens(std::uint64_t tokens, TimePoint now) = 0;
  virtual void on_complete(TimePoint now) = 0;
};

}  // namespace nacelle::router
