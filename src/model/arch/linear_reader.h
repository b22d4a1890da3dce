// linear_reader.h: the weights of one stacked matrix from the checkpoint, in the form in which they
// are packed: all dense, all int8 or all int4.
//
// Where the parts of a stack are stored in different forms, or as int4 that cannot lie in one
// matrix, the whole stack becomes dense: the answer is the same, only larger.
//
// Home:    one thread; conversions fan out on the pool.
// Errors:  those of WeightStore and of the checkpoint's method.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/quantization/linear_weight.h"
#include "model/quantization/load_quantization.h"
#include "model/quantization/quantization_spec.h"
#include "model/weights.h"

namespace nacelle::model {

// One row block of a stacked matrix: the name without ".weight" or ".bias", and its rows.
struct LinearPart {
  std::string name;
  std::size_t rows = 0;
};

class LinearReader {
 public:
  // `checkpoint` is how the files store linears; null: dense. It, store and pool outlive the
  // reader.
  LinearReader(WeightStore& store, kernels::WorkerPool& pool, DType dtype,
               const QuantizationSpec* checkpoint, const LoadQuantization& wanted)
      : store_(store), pool_(pool), dtype_(dtype), checkpoint_(checkpoint), wanted_(wanted) {}

  // All of one alternative; int4 parts have one group size, one order, and all or none have zeros.
  [[nodiscard]] Result<std::vector<LinearWeight>> read(std::span<const LinearPart> parts,
                                                       std::size_t columns) const;
  // The output head of `rows` tokens: dense or int8 as wanted, or as stored.
  [[nodiscard]] Result<LinearWeight> read_head(const LinearPart& head, std::size_t columns) const;
  // A head that is the embedding.
  [[nodiscard]] Result<LinearWeight> head_of(const TensorView& embedding) const;

 private:
  [[nodiscard]] Result<LinearWeight> read_part(const LinearPart& part, std::size_t columns) const;
  // What dense values of these linears are to become.
  [[nodiscard]] LoadQuantization target_of(std::span<const LinearPart> parts) const;
  [[nodiscard]] Result<LinearWeight> quantised(Weight dense, const LoadQuantization& target) const;
  [[nodiscard]] const LinearScheme* scheme_of(const LinearPart& part) const;

  WeightStore& store_;
  kernels::WorkerPool& pool_;
  DType dtype_;
  const QuantizationSpec* checkpoint_;
  LoadQuantization wanted_;
};

}  // namespace nacelle::model
