// answer_meter.h: what an answer that passes through tells those who learn from it: when its tokens
// came, and how many it had.
//
// Home:    the request's loop. Not used for requests from which nobody learns.
// Bounds:  those of provider::UsageMeter.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "provider/usage_meter.h"
#include "router/answer_observer.h"
#include "router/flow/flow_controller.h"

namespace nacelle::apps {

class AnswerMeter {
 public:
  // Either may be null; both outlive the meter.
  AnswerMeter(router::AnswerObserver* observer, router::flow::Admission* admission)
      : observer_(observer), admission_(admission) {}

  void on_status(int status) { good_ = status == 200; }
  void on_piece(std::string_view piece, TimePoint now);
  // The whole answer came. Answers that are not 200 teach nothing.
  void on_complete(TimePoint now);

 private:
  router::AnswerObserver* observer_;
  router::flow::Admission* admission_;
  std::optional<provider::UsageMeter> usage_;
  std::uint64_t seen_ = 0;  // events of the stream
  bool good_ = false;
  bool stream_ = false;
};

}  // namespace nacelle::apps
