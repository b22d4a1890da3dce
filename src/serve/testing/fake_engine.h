// fake_engine.h: an Engine that plays scripted tokens, for tests of the server.
//
// A thread stands for the engine loop: it gives every running sequence one token per turn, in the
// order of submission. A script may hang after its tokens until the sequence is aborted.
//
// Home:    thread-safe, as the real one.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace nacelle::serve::testing {

struct Script {
  std::vector<TokenId> tokens;
  engine::FinishReason finish = engine::FinishReason::kStop;
  std::optional<TokenId> stop_token;
  bool hang = false;  // after the tokens, until the abort
  std::uint32_t num_cached_tokens = 0;
};

class FakeEngine final : public engine::Engine {
 public:
  using MakeScript = std::function<Script(const engine::Request&)>;

  explicit FakeEngine(MakeScript script, std::int64_t max_queued = 0);
  ~FakeEngine() override { stop({}); }

  const engine::EngineConfig& config() const override { return config_; }
  Result<Admission> admit(std::uint32_t count) override;
  Result<engine::SequenceId> submit(engine::Request request, Admission place,
                                    std::shared_ptr<engine::OutputSink> sink) override;
  void abort(engine::SequenceId sequence, engine::FinishReason reason) override;
  std::shared_ptr<const engine::Stats> stats() const override;
  bool healthy() const override { return healthy_; }
  void stop(std::chrono::milliseconds drain_timeout) override;

  // What the server asked for.
  [[nodiscard]] std::vector<engine::Request> requests() const;
  [[nodiscard]] std::vector<engine::FinishReason> aborts() const;
  // Waits until that many aborts arrived. False when the test would otherwise hang.
  [[nodiscard]] bool wait_for_aborts(std::size_t count);
  [[nodiscard]] bool wait_for_submits(std::size_t count);
  [[nodiscard]] std::int64_t places_in_use() const { return in_use_; }
  // Lets sequences that hang finish as their scripts say.
  void release();
  void set_healthy(bool healthy) { healthy_ = healthy; }
  // As if every place were accepted once less than the one before it.
  void set_speculation(std::uint32_t num_speculative_tokens) {
    config_.speculative.num_speculative_tokens = num_speculative_tokens;
  }

 private:
  struct Running {
    engine::SequenceId id;
    engine::Request request;
    Script script;
    Admission place;
    std::shared_ptr<engine::OutputSink> sink;
    std::size_t next = 0;
    std::optional<engine::FinishReason> aborted;

    [[nodiscard]] bool ready() const {
      return aborted || !script.hang || next < script.tokens.size();
    }
  };

  void run();
  // One turn of one sequence; true when it ended.
  static bool advance(Running& running);

  engine::EngineConfig config_;
  MakeScript script_;
  const std::int64_t max_queued_;
  std::atomic<std::int64_t> in_use_{0};
  std::atomic<bool> healthy_{true};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Running> running_;                // guarded
  std::vector<engine::Request> requests_;     // guarded
  std::vector<engine::FinishReason> aborts_;  // guarded
  std::uint64_t next_id_ = 1;                 // guarded
  bool stopping_ = false;                     // guarded
  std::thread thread_;
};

namespace detail {

// Far beyond what any machine needs: only a test that would hang for ever meets it.
inline constexpr std::chrono::seconds kGiveUp{60};

inline engine::PositionLogprobs position_for(TokenId token, std::int32_t top) {
  engine::PositionLogprobs out;
  out.tokens.push_back({token, -0.5f, 1});
  for (std::int32_t i = 0; i < std::min(top, 3); ++i) {
    out.tokens.push_back(
        {token + i, -0.5f - static_cast<float>(i), static_cast<std::uint32_t>(i + 1)});
  }
  return out;
}

}  // namespace detail

inline FakeEngine::FakeEngine(MakeScript script, std::int64_t max_queued)
    : script_(std::move(script)), max_queued_(max_queued) {
  config_.num_blocks = 100;
  config_.max_model_len = 1000;
  thread_ = std::thread([this] { run(); });
}

inline Result<engine::Engine::Admission> FakeEngine::admit(std::uint32_t count) {
  if (in_use_.fetch_add(count) + count > max_queued_ && max_queued_ > 0) {
    in_use_ -= count;
    return resource_exhausted("The queue holds {} requests, its bound.", max_queued_);
  }
  return Admission(&in_use_, count);
}

inline Result<engine::SequenceId> FakeEngine::submit(engine::Request request, Admission place,
                                                     std::shared_ptr<engine::OutputSink> sink) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return unavailable("The engine is stopping.");
  Running running{.id = {next_id_++},
                  .request = request,
                  .script = script_(request),
                  .place = std::move(place),
                  .sink = std::move(sink),
                  .next = 0,
                  .aborted = std::nullopt};
  requests_.push_back(std::move(request));
  const engine::SequenceId id = running.id;
  running_.push_back(std::move(running));
  changed_.notify_all();
  return id;
}

inline void FakeEngine::abort(engine::SequenceId sequence, engine::FinishReason reason) {
  const std::lock_guard lock(mutex_);
  aborts_.push_back(reason);
  for (Running& running : running_) {
    if (running.id == sequence) running.aborted = reason;
  }
  changed_.notify_all();
}

inline void FakeEngine::release() {
  const std::lock_guard lock(mutex_);
  for (Running& running : running_) running.script.hang = false;
  changed_.notify_all();
}

inline std::shared_ptr<const engine::Stats> FakeEngine::stats() const {
  const std::uint32_t num_drafts = config_.speculative.num_speculative_tokens;
  auto stats =
      std::make_shared<engine::Stats>(engine::make_stats(config_.max_model_len, num_drafts));
  for (std::uint32_t i = 0; i < num_drafts; ++i) {
    stats->num_accepted_per_position[i] = num_drafts - i;
    stats->num_accepted_tokens += num_drafts - i;
  }
  stats->num_drafts = num_drafts;
  stats->num_draft_tokens = std::uint64_t{num_drafts} * num_drafts;
  stats->kv_cache_usage = 0.25;
  stats->num_waiting = 2;
  stats->prompt_tokens = 10;
  stats->prompt_tokens_cached = 4;
  stats->generation_tokens = 7;
  stats->time_to_first_token.observe(0.003);
  return stats;
}

inline void FakeEngine::stop(std::chrono::milliseconds) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

inline std::vector<engine::Request> FakeEngine::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

inline std::vector<engine::FinishReason> FakeEngine::aborts() const {
  const std::lock_guard lock(mutex_);
  return aborts_;
}

inline bool FakeEngine::wait_for_aborts(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, detail::kGiveUp, [&] { return aborts_.size() >= count; });
}

inline bool FakeEngine::wait_for_submits(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, detail::kGiveUp, [&] { return requests_.size() >= count; });
}

inline bool FakeEngine::advance(Running& running) {
  engine::SequenceOutput out;
  out.sequence = running.id;
  out.num_cached_tokens = running.script.num_cached_tokens;
  const auto& params = running.request.params;
  if (running.next == 0 && params.prompt_logprobs >= 0) {
    out.prompt_logprobs.emplace_back();
    for (std::size_t i = 1; i < running.request.prompt.size(); ++i) {
      out.prompt_logprobs.push_back(
          detail::position_for(running.request.prompt[i], params.prompt_logprobs));
    }
  }
  if (running.aborted) {
    out.finish = *running.aborted;
  } else {
    if (running.next < running.script.tokens.size()) {
      const TokenId token = running.script.tokens[running.next++];
      out.tokens.push_back(token);
      if (params.logprobs >= 0)
        out.logprobs.push_back(detail::position_for(token, params.logprobs));
    }
    const bool full = running.next >= params.max_tokens;
    if (running.next == running.script.tokens.size() && !running.script.hang) {
      out.finish = running.script.finish;
      out.stop_token = running.script.stop_token;
      if (out.finish == engine::FinishReason::kError) out.error = internal("scripted failure");
    } else if (full) {
      out.finish = engine::FinishReason::kLength;
    }
  }
  const bool ended = out.finish != engine::FinishReason::kNone;
  running.sink->on_output(std::move(out));
  return ended;
}

inline void FakeEngine::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] {
      return stopping_ || std::any_of(running_.begin(), running_.end(),
                                      [](const Running& r) { return r.ready(); });
    });
    if (stopping_) {
      for (Running& running : running_) {
        running.aborted = engine::FinishReason::kAbort;
        (void)advance(running);
      }
      running_.clear();
      return;
    }
    for (auto it = running_.begin(); it != running_.end();) {
      it = it->ready() && advance(*it) ? running_.erase(it) : std::next(it);
    }
  }
}

}  // namespace nacelle::serve::testing
