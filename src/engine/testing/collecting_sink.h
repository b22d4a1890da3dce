// collecting_sink.h: keeps what an engine reports of a sequence, and lets a test wait for its end.
//
// Home:  any thread.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/output.h"

namespace nacelle::engine::testing {

class CollectingSink final : public OutputSink {
 public:
  // All outputs of a sequence, put together.
  struct Result {
    std::vector<TokenId> tokens;
    std::vector<PositionLogprobs> logprobs, prompt_logprobs;
    FinishReason finish = FinishReason::kNone;
    std::optional<TokenId> stop_token;
    Status error;
    SequenceTimes times;
    std::uint32_t num_cached_tokens = 0;
    int num_outputs = 0;
    bool spoke_after_the_end = false;
  };

  void on_output(SequenceOutput output) override {
    const std::lock_guard lock(mutex_);
    result_.spoke_after_the_end |= result_.finish != FinishReason::kNone;
    ++result_.num_outputs;
    result_.tokens.insert(result_.tokens.end(), output.tokens.begin(), output.tokens.end());
    std::ranges::move(output.logprobs, std::back_inserter(result_.logprobs));
    std::ranges::move(output.prompt_logprobs, std::back_inserter(result_.prompt_logprobs));
    result_.finish = output.finish;
    result_.stop_token = output.stop_token;
    result_.error = output.error;
    result_.times = output.times;
    result_.num_cached_tokens = output.num_cached_tokens;
    changed_.notify_all();
  }

  [[nodiscard]] Result result() const {
    const std::lock_guard lock(mutex_);
    return result_;
  }
  Result wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return result_.finish != FinishReason::kNone; });
    return result_;
  }
  void wait_for_tokens(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return result_.tokens.size() >= count || result_.finish != FinishReason::kNone;
    });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Result result_;
};

}  // namespace nacelle::engine::testing
