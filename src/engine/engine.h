// engine.h: the public face of one engine: tokens in, tokens out.
//
// Callers on any thread admit(), then submit() and abort(); a single loop thread plans steps, runs
// the model and reports outputs to each request's sink (threads: docs/architecture.md).
//
// Home:    thread-safe. Sinks are called on the engine loop.
// Errors:  admit() returns resource_exhausted when the queue bound is reached: the server answers
// 503
//          with Retry-After before it spends time on templates and tokens. submit() returns
//          unavailable while draining or after the loop failed.
// Bounds:  Config::max_queued_requests (waiting + running), and the block pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/core/options.h"
#include "engine/kv_events_config.h"
#include "engine/output.h"
#include "engine/request.h"
#include "engine/stats.h"

namespace nacelle::kernels {
class WorkerPool;
}
namespace nacelle::model {
class CausalLm;
}

namespace nacelle::engine {

struct EngineConfig {
  std::uint32_t block_size = 16;                   // tokens per KV block
  std::uint32_t num_blocks = 0;                    // block 0 is the null block and never handed out
  std::uint32_t max_model_len = 0;                 // tokens, prompt + output
  std::uint32_t max_num_batched_tokens = 2048;     // token budget of a step
  std::uint32_t max_num_seqs = 128;                // running sequences
  std::uint32_t max_queued_requests = 0;           // waiting + running sequences; 0 = no bound
  std::uint32_t long_prefill_token_threshold = 0;  // cap of one sequence's tokens per step; 0 = off
  SchedulingPolicy policy = SchedulingPolicy::kFcfs;
  bool enable_prefix_caching = true;
  bool enable_chunked_prefill = true;
  bool reserve_full_prompt = true;  // admission needs free blocks for the whole prompt
  // Rows of prompt logprobs per step, over all sequences; bounds their memory (rows * vocabulary).
  std::uint32_t max_prompt_logprob_rows = 128;
  HashAlgorithm hash_algorithm = HashAlgorithm::kSha256Cbor;
  std::string hash_seed;   // PYTHONHASHSEED; "" = random chain start
  TokenId eos_token = -1;  // the primary EOS; -1 = none
  std::uint64_t seed = 0;  // of requests without their own
  // The next step is planned while the kernels of this one run. Never shows in the tokens. Without
  // effect with speculation, whose drafts need the tokens of the step before.
  bool async_scheduling = true;
  SpeculativeOptions speculative;
  KvEventsConfig kv_events;
};

class Engine {
 public:
  // A reserved place in the bounded queue; given back on destruction unless submit() took it.
  class Admission {
   public:
    Admission() = default;
    Admission(std::atomic<std::int64_t>* slots, std::int64_t count)
        : slots_(slots), count_(count) {}
    Admission(Admission&& other) noexcept
        : slots_(std::exchange(other.slots_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    Admission& operator=(Admission&& other) noexcept {
      std::swap(slots_, other.slots_);
      std::swap(count_, other.count_);
      return *this;
    }
    ~Admission() {
      if (slots_ != nullptr) slots_->fetch_sub(count_);
    }

    [[nodiscard]] std::int64_t count() const { return count_; }
    // Splits one place off, for a sequence that now owns it.
    [[nodiscard]] Admission take_one() {
      if (count_ <= 0) return {};
      --count_;
      return Admission(slots_, 1);
    }

   private:
    std::atomic<std::int64_t>* slots_ = nullptr;
    std::int64_t count_ = 0;
  };

  virtual ~Engine() = default;

  // Takes ownership of the model. Allocates the KV memory and starts the loop thread. `pool`, the
  // model's own, also samples rows; it must outlive the engine. nullptr: the loop samples alone.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> start(EngineConfig config,
                                                             std::unique_ptr<model::CausalLm> model,
                                                             kernels::WorkerPool* pool = nullptr);

  [[nodiscard]] virtual const EngineConfig& config() const = 0;

  // Reserves places for `count` sequences. Lock-free, any thread.
  [[nodiscard]] virtual Result<Admission> admit(std::uint32_t count) = 0;

  // Queues one sequence. `sink` is kept until the output with a finish reason was delivered.
  [[nodiscard]] virtual Result<SequenceId> submit(Request request, Admission place,
                                                  std::shared_ptr<OutputSink> sink) = 0;

  // Ends the sequence with FinishReason::kAbort (or the given reason, e.g. kStop after a stop
  // string) and frees its blocks before the next step; one step later when the next one was planned
  // to compute a part of its prompt. Unknown or finished ids are ignored.
  virtual void abort(SequenceId sequence, FinishReason reason = FinishReason::kAbort) = 0;

  // A consistent copy of gauges and counters as of the last step. Any thread, never waits for a
  // step.
  [[nodiscard]] virtual std::shared_ptr<const Stats> stats() const = 0;

  // What became of the KV events; all zero where they are off. Any thread.
  [[nodiscard]] virtual KvEventStats kv_event_stats() const { return {}; }

  // False once the loop died (a CHECK-free internal failure); /health turns 503.
  [[nodiscard]] virtual bool healthy() const = 0;

  // Forgets all cached prefixes; false, and nothing done, while any sequence holds blocks. Waits
  // for the step in progress.
  [[nodiscard]] virtual bool reset_prefix_cache() { return false; }

  // Stops admitting, waits until sequences finish or the timeout is over, aborts the rest, joins.
  virtual void stop(std::chrono::milliseconds drain_timeout) = 0;
};

}  // namespace nacelle::engine
