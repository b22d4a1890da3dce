// sequence_filters.cc: filters that take a sequence apart or put one together.
#include <algorithm>
#include <cmath>
#include <optional>

#include "chat_template/eval/interpreter.h"
#include "chat_template/filters/attribute_path.h"
#include "chat_template/filters/tables.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/lazy_list.h"
#include "chat_template/value/operators.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

Result<Value> length(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("length", args, {"value"}, 1));
  const auto size = length_of(bound[0]);
  if (!size) return invalid_argument("object of type '{}' has no len()", kind_name(bound[0]));
  return Value::integer(static_cast<Int>(*size));
}

Result<Value> first(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("first", args, {"seq"}, 1));
  ASSIGN_OR_RETURN(const auto items, iterate(interpreter.runtime(), bound[0]));
  Value item;
  ASSIGN_OR_RETURN(const bool more, items->next(interpreter, item));
  if (more) return item;
  return UndefinedObject::hinted(interpreter.runtime(), "No first item, sequence was empty.");
}

Result<Value> last(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("last", args, {"seq"}, 1));
  ASSIGN_OR_RETURN(const auto items, iterate_reversed(interpreter.runtime(), bound[0]));
  Value item;
  ASSIGN_OR_RETURN(const bool more, items->next(interpreter, item));
  if (more) return item;
  return UndefinedObject::hinted(interpreter.runtime(), "No last item, sequence was empty.");
}

Result<Value> list(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("list", args, {"value"}, 1));
  ASSIGN_OR_RETURN(std::vector<Value> items, collect(interpreter, bound[0]));
  return make_list(interpreter.runtime(), std::move(items));
}

Result<Value> reverse(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("reverse", args, {"value"}, 1));
  Runtime& runtime = interpreter.runtime();
  const Value& value = bound[0];
  if (value.is_string()) {
    return slice(runtime, value, Value::none(), Value::none(), Value::integer(-1));
  }
  if (value.is(Kind::kIterator)) {
    ASSIGN_OR_RETURN(std::vector<Value> items, collect(interpreter, value));
    std::reverse(items.begin(), items.end());
    return make_list(runtime, std::move(items));
  }
  ASSIGN_OR_RETURN(const auto items, iterate_reversed(runtime, value));
  return make_iterator(items);
}

Result<Value> join(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("join", args, {"value", "d", "attribute"}, 1));
  Runtime& runtime = interpreter.runtime();
  std::string separator;
  if (bound.has(1)) RETURN_IF_ERROR(append_text(runtime, bound[1], separator));
  ASSIGN_OR_RETURN(const AttributePath path,
                   AttributePath::parse(runtime, bound.get(2, Value::none())));
  ASSIGN_OR_RETURN(const auto items, iterate(runtime, bound[0]));
  std::string text;
  for (bool is_first = true;; is_first = false) {
    Value item;
    ASSIGN_OR_RETURN(const bool more, items->next(interpreter, item));
    if (!more) return make_string(runtime, std::move(text));
    const std::size_t before = text.size();
    if (!is_first) text += separator;
    ASSIGN_OR_RETURN(item, path.follow(interpreter, item, Value::none()));
    RETURN_IF_ERROR(append_text(runtime, item, text));
    RETURN_IF_ERROR(runtime.spend(1 + (text.size() - before) / 64));
    RETURN_IF_ERROR(runtime.reserve(text.size()));
  }
}

// Pythons's sum() adds floats with a correction for lost digits (since 3.12).
class FloatSum {
 public:
  explicit FloatSum(double start) : total_(start) {}
  void add(double x) {
    const double sum = total_ + x;
    correction_ += std::abs(total_) >= std::abs(x) ? (total_ - sum) + x : (x - sum) + total_;
    total_ = sum;
  }
  [[nodiscard]] double result() const {
    return correction_ != 0 && std::isfinite(correction_) ? total_ + correction_ : total_;
  }

 private:
  double total_;
  double correction_ = 0;
};

Result<Value> sum(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("sum", args, {"iterable", "attribute", "start"}, 1));
  Runtime& runtime = interpreter.runtime();
  ASSIGN_OR_RETURN(const AttributePath path,
                   AttributePath::parse(runtime, bound.get(1, Value::none())));
  Value total = bound.get(2, Value::integer(0));
  if (total.is_string()) return invalid_argument("sum() can't sum strings");
  ASSIGN_OR_RETURN(const auto items, iterate(runtime, bound[0]));
  std::optional<FloatSum> floats;
  if (total.is(Kind::kFloat)) floats.emplace(total.as_double());
  while (true) {
    RETURN_IF_ERROR(runtime.spend(1));
    Value item;
    ASSIGN_OR_RETURN(const bool more, items->next(interpreter, item));
    if (!more) break;
    ASSIGN_OR_RETURN(item, path.follow(interpreter, item, Value::none()));
    if (!floats && total.is_integral() && item.is(Kind::kFloat)) floats.emplace(total.as_double());
    if (floats && item.is_number()) {
      floats->add(item.as_double());
      continue;
    }
    if (floats) total = Value::number(floats->result());
    floats.reset();
    ASSIGN_OR_RETURN(total, apply(interpreter, Arithmetic::kAdd, total, item));
  }
  return floats ? Value::number(floats->result()) : total;
}

// Lists of `size` items; the last one is filled up when a filling is given.
Result<std::vector<Value>> make_batches(Interpreter& interpreter, const Value& value,
                                        const Value& size, const Value& filling) {
  Runtime& runtime = interpreter.runtime();
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, value));
  ASSIGN_OR_RETURN(const long count, to_long("the size of a batch", size));
  std::vector<Value> batches;
  std::vector<Value> batch;
  for (const Value& item : items) {
    RETURN_IF_ERROR(runtime.spend(1));
    if (static_cast<long>(batch.size()) == count) {
      batches.push_back(make_list(runtime, std::exchange(batch, {})));
    }
    batch.push_back(item);
  }
  if (batch.empty()) return batches;
  if (!filling.is_none() && static_cast<long>(batch.size()) < count) {
    RETURN_IF_ERROR(runtime.reserve(static_cast<std::size_t>(count), sizeof(Value)));
    RETURN_IF_ERROR(runtime.spend(static_cast<std::size_t>(count)));
    batch.resize(static_cast<std::size_t>(count), filling);
  }
  batches.push_back(make_list(runtime, std::move(batch)));
  return batches;
}

Result<Value> batch(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("batch", args, {"value", "linecount", "fill_with"}, 2));
  return make_lazy_list(
      interpreter.runtime(),
      [value = bound[0], size = bound[1], filling = bound.get(2, Value::none())](
          Interpreter& later) { return make_batches(later, value, size, filling); });
}

// `count` lists of nearly equal length.
Result<std::vector<Value>> make_slices(Interpreter& interpreter, const Value& value,
                                       const Value& count, const Value& filling) {
  Runtime& runtime = interpreter.runtime();
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, value));
  ASSIGN_OR_RETURN(const long slices, to_long("the number of slices", count));
  if (slices == 0) return invalid_argument("division by zero");
  std::vector<Value> result;
  if (slices < 0) return result;
  const auto n = static_cast<std::size_t>(slices);
  RETURN_IF_ERROR(runtime.reserve(n, sizeof(Value) + sizeof(ListObject)));
  RETURN_IF_ERROR(runtime.spend(n));
  const std::size_t per_slice = items.size() / n;
  const std::size_t with_extra = items.size() % n;
  std::size_t start = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t size = per_slice + (i < with_extra ? 1 : 0);
    std::vector<Value> part(items.begin() + static_cast<std::ptrdiff_t>(start),
                            items.begin() + static_cast<std::ptrdiff_t>(start + size));
    if (!filling.is_none() && i >= with_extra) part.push_back(filling);
    result.push_back(make_list(runtime, std::move(part)));
    start += size;
  }
  return result;
}

Result<Value> slices(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("slice", args, {"value", "slices", "fill_with"}, 2));
  return make_lazy_list(
      interpreter.runtime(),
      [value = bound[0], count = bound[1], filling = bound.get(2, Value::none())](
          Interpreter& later) { return make_slices(later, value, count, filling); });
}

constexpr FilterEntry kFilters[] = {
    {"batch", &batch},  {"count", &length},  {"first", &first}, {"join", &join},
    {"last", &last},    {"length", &length}, {"list", &list},   {"reverse", &reverse},
    {"slice", &slices}, {"sum", &sum},
};

}  // namespace

std::span<const FilterEntry> sequence_filters() { return kFilters; }

}  // namespace nacelle::chat_template
