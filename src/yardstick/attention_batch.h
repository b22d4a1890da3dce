// attention_batch.h: paged K and V with made-up content, and a batch of equal sequences over them.
//
// Home:    the caller of the pool, which must outlive this.
// Errors:  make() returns resource_exhausted without memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "kernels/attention/attention.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "tensor/buffer.h"
#include "yardstick/work.h"

namespace nacelle::yardstick {

class AttentionBatch {
 public:
  [[nodiscard]] static Result<std::shared_ptr<AttentionBatch>> make(
      kernels::WorkerPool& pool, kernels::Isa isa, const AttentionShape& shape, const Span& span,
      std::uint32_t sequences, const KvUse& kv = {});

  // Small batches come in several copies, used in turn, so that a run does not find its K and V in
  // a cache.
  void run() { run(span_); }
  // The same sequences cut off at a smaller context, at least what they share.
  void run(const Span& span);

 private:
  AttentionBatch(kernels::WorkerPool& pool, kernels::Isa isa, const AttentionShape& shape,
                 const Span& span)
      : context_{pool, isa}, shape_(shape), span_(span) {}

  kernels::Context context_;
  AttentionShape shape_;
  Span span_;
  kernels::KvLayout layout_;
  Buffer memory_, queries_, out_;
  std::vector<std::vector<std::uint32_t>> tables_;  // of all copies, one after the other
  std::size_t sequences_ = 0;                       // of one copy
  std::size_t copies_ = 1;
  std::size_t turn_ = 0;
  std::vector<kernels::AttentionSequence> batch_;
};

}  // namespace nacelle::yardstick
