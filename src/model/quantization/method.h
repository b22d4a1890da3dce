// method.h: one quant_method of checkpoints: how its configuration reads and how the tensors of a
// linear become a weight. A method is one file, `<method>.cc`; quantization_spec.cc has the table.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kernels/worker_pool.h"
#include "model/field_reader.h"
#include "model/quantization/linear_weight.h"
#include "model/quantization/module_tensors.h"
#include "model/quantization/quantization_spec.h"
#include "tensor/dtype.h"

namespace nacelle::model {

// A linear that is to be read. `dtype` is what dense results are rounded to.
struct LinearRequest {
  std::size_t n = 0;  // rows: outputs
  std::size_t k = 0;  // columns: inputs
  DType dtype = DType::kBF16;
  kernels::WorkerPool& pool;
};

struct QuantizationMethod {
  std::string_view name;
  // Fills groups and ignored. Wrong values go to `fields`; what has no reader is the Status.
  Status (*parse)(FieldReader& fields, QuantizationSpec& spec);
  Result<LinearWeight> (*read)(const ModuleTensors& tensors, const LinearScheme& scheme,
                               const LinearRequest& request);
};

// nullptr when no method has this name.
[[nodiscard]] const QuantizationMethod* find_method(std::string_view name);
// "awq, compressed-tensors, fp8, gptq".
[[nodiscard]] std::string supported_methods();

extern const QuantizationMethod kAwqMethod;
extern const QuantizationMethod kCompressedTensorsMethod;
extern const QuantizationMethod kFp8Method;
extern const QuantizationMethod kGptqMethod;

// Parts that several methods share.

// The entries of `key`, a list of module names, each as a target.
void read_targets(FieldReader& fields, std::string_view key, ModuleTarget::Plain plain,
                  std::vector<ModuleTarget>& out);
// A group size: one of those that `integer` accepts, or -1 for one group per row.
void read_group_size(FieldReader& fields, std::string_view key, LinearScheme& scheme);
// e4m3 weights as compressed-tensors and fp8 store them; `scale` is the suffix of the scale tensor.
[[nodiscard]] Result<LinearWeight> read_fp8(const ModuleTensors& tensors,
                                            const LinearScheme& scheme,
                                            const LinearRequest& request, std::string_view scale);

}  // namespace nacelle::model
