// slice.cc: value[start:stop:step] with Python's rules for missing and negative bounds.
#include <algorithm>

#include "base/utf8.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"

namespace nacelle::chat_template {
namespace {

struct Bounds {
  Int start, step;
  std::size_t count;  // items in the slice
};

Result<Int> bound_or(const Value& value, Int fallback) {
  if (value.is_none()) return fallback;
  if (!value.is_integral()) return invalid_argument("slice indices must be integers or none");
  return value.as_int();
}

Result<Bounds> resolve(Int length, const Value& start, const Value& stop, const Value& step) {
  ASSIGN_OR_RETURN(const Int stride, bound_or(step, 1));
  if (stride == 0) return invalid_argument("slice step cannot be zero");
  // A slice of more than 2^31 positions per step is as good as one position.
  constexpr Int kFar = Int{1} << 62;
  const Int clamped = std::clamp(stride, -kFar, kFar);
  const Int lowest = clamped < 0 ? -1 : 0;
  const Int highest = clamped < 0 ? length - 1 : length;
  const auto clip = [&](Int at) {
    if (at < 0) at = std::max(at, -kFar) + length;
    return std::clamp(at, lowest, highest);
  };
  ASSIGN_OR_RETURN(const Int raw_start, bound_or(start, 0));
  ASSIGN_OR_RETURN(const Int raw_stop, bound_or(stop, 0));
  const Int from = start.is_none() ? (clamped < 0 ? highest : lowest) : clip(raw_start);
  const Int to = stop.is_none() ? (clamped < 0 ? lowest : highest) : clip(raw_stop);
  Int count = 0;
  if (clamped > 0 && from < to) count = (to - from + clamped - 1) / clamped;
  if (clamped < 0 && from > to) count = (from - to - clamped - 1) / -clamped;
  return Bounds{from, clamped, static_cast<std::size_t>(count)};
}

Value slice_text(Runtime& runtime, const Value& value, const Bounds& bounds) {
  const std::string& text = value.text();
  const bool is_markup = value.string().is_markup();
  std::string out;
  if (value.string().is_ascii()) {
    if (bounds.step == 1) {
      out = text.substr(static_cast<std::size_t>(bounds.start), bounds.count);
    } else {
      for (std::size_t i = 0; i < bounds.count; ++i) {
        out += text[static_cast<std::size_t>(bounds.start + static_cast<Int>(i) * bounds.step)];
      }
    }
    return make_string(runtime, std::move(out), is_markup);
  }
  std::vector<std::size_t> starts;  // of each character
  for (std::size_t pos = 0; pos < text.size(); pos += decode_utf8(text, pos).length) {
    starts.push_back(pos);
  }
  starts.push_back(text.size());
  for (std::size_t i = 0; i < bounds.count; ++i) {
    const auto at = static_cast<std::size_t>(bounds.start + static_cast<Int>(i) * bounds.step);
    out.append(text, starts[at], starts[at + 1] - starts[at]);
  }
  return make_string(runtime, std::move(out), is_markup);
}

}  // namespace

Result<Value> slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                    const Value& step) {
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_string() && !value.is_sequence() && !value.is(Kind::kRange)) {
    return invalid_argument("a value of type '{}' cannot be sliced", kind_name(value));
  }
  const Int length = value.is(Kind::kRange) ? value.range().length
                                            : static_cast<Int>(length_of(value).value_or(0));
  ASSIGN_OR_RETURN(const Bounds bounds, resolve(length, start, stop, step));
  if (value.is(Kind::kRange)) {
    const RangeObject& range = value.range();
    const Int stride = range.step * bounds.step;
    if (stride > kMaxRangeBound || stride < -kMaxRangeBound) {
      return out_of_range("the step of a range is too large");
    }
    const Int first = range.at(bounds.start);
    // Python keeps where the slice would end, which repr() shows.
    Int end = 0;
    if (stop.is_none()) {
      end = bounds.step > 0 ? range.at(range.length) : range.at(-1);
    } else {
      ASSIGN_OR_RETURN(const Bounds to_stop, resolve(length, stop, Value::none(), step));
      end = range.at(to_stop.start);
    }
    return make_range(runtime, first, end, stride);
  }
  RETURN_IF_ERROR(runtime.spend(value.is_string() ? value.text().size() / 16 : bounds.count));
  if (value.is_string()) {
    // Text with longer characters needs a table of where each starts.
    if (!value.string().is_ascii()) {
      RETURN_IF_ERROR(runtime.reserve(value.string().length(), sizeof(std::size_t)));
    }
    return slice_text(runtime, value, bounds);
  }
  const auto& items = value.list().items;
  std::vector<Value> picked;
  picked.reserve(bounds.count);
  for (std::size_t i = 0; i < bounds.count; ++i) {
    picked.push_back(
        items[static_cast<std::size_t>(bounds.start + static_cast<Int>(i) * bounds.step)]);
  }
  return value.is(Kind::kList) ? make_list(runtime, std::move(picked))
                               : make_tuple(runtime, std::move(picked));
}

}  // namespace nacelle::chat_template
