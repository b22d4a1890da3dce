#include "model/arch/linear_reader.h"

#include <algorithm>
#include <utility>

#include "model/quantization/method.h"

namespace nacelle::model {
namespace {

using Linears = LoadQuantization::Linears;

bool is_floating_model_dtype(std::optional<DType> dtype) {
  return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16;
}

// The file has an ordinary weight and nothing of a quantised one, whatever the lists say: the
// output head, which most methods leave alone without listing it, or a module that was skipped.
bool is_stored_dense(const WeightStore& store, const std::string& module) {
  if (!is_floating_model_dtype(store.stored_dtype(module + ".weight"))) return false;
  for (const char* suffix : {".weight_scale", ".weight_scale_inv", ".weight_packed", ".qweight"}) {
    if (store.stored_dtype(module + suffix)) return false;
  }
  return true;
}

bool fit_one_matrix(const LinearWeight& a, const LinearWeight& b) {
  if (a.index() != b.index()) return false;
  const auto* left = std::get_if<Int4Linear>(&a);
  if (left == nullptr) return true;
  const auto& right = std::get<Int4Linear>(b);
  return left->owned.group_size == right.owned.group_size && left->order == right.order;
}

// Parts with zero points beside parts without: 8 is what no zero point means.
void complete_zeros(std::vector<LinearWeight>& parts) {
  const auto has_zeros = [](const LinearWeight& part) {
    const auto* int4 = std::get_if<Int4Linear>(&part);
    return int4 != nullptr && !int4->owned.zeros.empty();
  };
  if (std::none_of(parts.begin(), parts.end(), has_zeros)) return;
  for (LinearWeight& part : parts) {
    auto& owned = std::get<Int4Linear>(part).owned;
    if (owned.zeros.empty()) owned.zeros.assign(owned.scales.size(), 8);
  }
}

// The largest group that divides k, at most `wanted`; 0 when not even 32 does.
std::size_t fitting_group(std::size_t k, std::size_t wanted) {
  for (const std::size_t size : {std::size_t{128}, std::size_t{64}, std::size_t{32}}) {
    if (size <= std::max<std::size_t>(wanted, 32) && k % size == 0) return size;
  }
  return 0;
}

}  // namespace

const LinearScheme* LinearReader::scheme_of(const LinearPart& part) const {
  return checkpoint_ == nullptr ? nullptr : checkpoint_->scheme_of(part.name);
}

LoadQuantization LinearReader::target_of(std::span<const LinearPart> parts) const {
  const LinearScheme* scheme = scheme_of(parts[0]);
  if (!store_.is_made_up() || scheme == nullptr) return wanted_;
  // Made-up weights take the form that the checkpoint's would have.
  const LoadQuantization like = LoadQuantization::like(*scheme);
  const bool alike = std::all_of(parts.begin(), parts.end(), [&](const LinearPart& part) {
    return scheme_of(part) != nullptr && *scheme_of(part) == *scheme;
  });
  return alike && like.linears != Linears::kAsStored ? like : wanted_;
}

Result<LinearWeight> LinearReader::read_part(const LinearPart& part, std::size_t columns) const {
  const LinearScheme* scheme = scheme_of(part);
  if (scheme == nullptr || store_.is_made_up() || is_stored_dense(store_, part.name)) {
    ASSIGN_OR_RETURN(Weight weight,
                     store_.fetch(part.name + ".weight", Shape{part.rows, columns}, dtype_));
    return LinearWeight(std::move(weight));
  }
  const ModuleTensors tensors(store_, part.name);
  const LinearRequest request{.n = part.rows, .k = columns, .dtype = dtype_, .pool = pool_};
  return checkpoint_->method->read(tensors, *scheme, request);
}

Result<LinearWeight> LinearReader::quantised(Weight dense, const LoadQuantization& target) const {
  if (target.linears == Linears::kInt8) {
    Int8Linear out;
    ASSIGN_OR_RETURN(out.owned, kernels::quantize_int8(dense.view(), pool_));
    store_.recycle(std::move(dense));
    return LinearWeight(std::move(out));
  }
  const std::size_t columns = dense.view().shape()[1];
  const std::size_t group_size = fitting_group(columns, target.group_size);
  if (group_size == 0) {
    return invalid_argument(
        "int4 needs columns in a multiple of 32, a weight has {}; int8 takes any number", columns);
  }
  Int4Linear out;
  ASSIGN_OR_RETURN(out.owned, kernels::quantize_int4(dense.view(), group_size, pool_));
  store_.recycle(std::move(dense));
  return LinearWeight(std::move(out));
}

Result<std::vector<LinearWeight>> LinearReader::read(std::span<const LinearPart> parts,
                                                     std::size_t columns) const {
  std::vector<LinearWeight> out;
  for (const LinearPart& part : parts) {
    ASSIGN_OR_RETURN(LinearWeight weight, read_part(part, columns));
    out.push_back(std::move(weight));
  }
  const bool fits = std::all_of(out.begin(), out.end(), [&](const LinearWeight& part) {
    return fit_one_matrix(out[0], part);
  });
  const LoadQuantization target = target_of(parts);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!fits) {
      ASSIGN_OR_RETURN(Weight dense, to_dense(std::move(out[i]), dtype_, store_, pool_));
      out[i] = std::move(dense);
    }
    if (target.linears == Linears::kAsStored || !std::holds_alternative<Weight>(out[i])) continue;
    Result<LinearWeight> quantised_part = quantised(std::move(std::get<Weight>(out[i])), target);
    if (!quantised_part) return quantised_part.error().with_context(parts[i].name);
    out[i] = std::move(*quantised_part);
  }
  complete_zeros(out);
  return out;
}

Result<LinearWeight> LinearReader::read_head(const LinearPart& head, std::size_t columns) const {
  ASSIGN_OR_RETURN(LinearWeight weight, read_part(head, columns));
  if (!wanted_.int8_head || !std::holds_alternative<Weight>(weight)) return weight;
  Result<LinearWeight> quantised_head =
      quantised(std::move(std::get<Weight>(weight)), {.linears = Linears::kInt8});
  if (!quantised_head) return quantised_head.error().with_context(head.name);
  return quantised_head;
}

Result<LinearWeight> LinearReader::head_of(const TensorView& embedding) const {
  if (!wanted_.int8_head) return LinearWeight(Weight(embedding, Buffer()));
  Int8Linear out;
  ASSIGN_OR_RETURN(out.owned, kernels::quantize_int8(embedding, pool_));
  return LinearWeight(std::move(out));
}

}  // namespace nacelle::model
