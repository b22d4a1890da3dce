#include "chat_template/value/compare.h"

#include <cmath>
#include <functional>

namespace nacelle::chat_template {
namespace {

Status too_deep() {
  return out_of_range("a value is nested deeper than {} levels", kMaxValueDepth);
}

// -1, 0 or 1; 2 when a NaN is involved.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int() ? 1 : 0;
  }
  const double x = a.as_double();
  const double y = b.as_double();
  if (std::isnan(x) || std::isnan(y)) return 2;
  return x < y ? -1 : x > y ? 1 : 0;
}

Result<bool> lists_equal(Runtime& runtime, const ListObject& a, const ListObject& b, int depth) {
  if (a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    ASSIGN_OR_RETURN(const bool same, values_equal(runtime, a.items[i], b.items[i], depth + 1));
    if (!same) return false;
  }
  return true;
}

Result<bool> dicts_equal(Runtime& runtime, const DictObject& a, const DictObject& b, int depth) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.entries()) {
    ASSIGN_OR_RETURN(const Value* other, b.find(key));
    if (other == nullptr) return false;
    ASSIGN_OR_RETURN(const bool same, values_equal(runtime, value, *other, depth + 1));
    if (!same) return false;
  }
  return true;
}

bool ranges_equal(const RangeObject& a, const RangeObject& b) {
  if (a.length != b.length) return false;
  if (a.length == 0) return true;
  return a.start == b.start && (a.length == 1 || a.step == b.step);
}

}  // namespace

bool is_true(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return value.as_bool();
    case Kind::kInt:
      return value.as_int() != 0;
    case Kind::kFloat:
      return value.as_double() != 0.0;
    case Kind::kString:
      return !value.text().empty();
    case Kind::kList:
    case Kind::kTuple:
      return !value.list().items.empty();
    case Kind::kDict:
      return value.dict().size() != 0;
    case Kind::kDictView:
      return value.dict_view().dict.dict().size() != 0;
    case Kind::kRange:
      return value.range().length != 0;
    case Kind::kIterator:
      return true;
    case Kind::kInstance:
      return value.instance().length().value_or(1) != 0;
  }
  return false;
}

Result<bool> values_equal(Runtime& runtime, const Value& a, const Value& b, int depth) {
  if (depth > kMaxValueDepth) return too_deep();
  RETURN_IF_ERROR(runtime.spend(1));
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      RETURN_IF_ERROR(runtime.spend(a.text().size() / 64));
      return a.text() == b.text();
    case Kind::kList:
    case Kind::kTuple:
      return lists_equal(runtime, a.list(), b.list(), depth);
    case Kind::kDict:
      return dicts_equal(runtime, a.dict(), b.dict(), depth);
    case Kind::kRange:
      return ranges_equal(a.range(), b.range());
    default:
      return a.object() == b.object();
  }
}

Result<bool> value_less(Runtime& runtime, const Value& a, const Value& b, int depth) {
  if (depth > kMaxValueDepth) return too_deep();
  RETURN_IF_ERROR(runtime.spend(1));
  if (a.is_undefined()) return undefined_error(a);
  if (b.is_undefined()) return undefined_error(b);
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == -1;
  if (a.is_string() && b.is_string()) {
    RETURN_IF_ERROR(runtime.spend(a.text().size() / 64));
    return a.text() < b.text();  // UTF-8 sorts as its code points do
  }
  if (a.is_sequence() && a.kind() == b.kind()) {
    const auto& x = a.list().items;
    const auto& y = b.list().items;
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      ASSIGN_OR_RETURN(const bool same, values_equal(runtime, x[i], y[i], depth + 1));
      if (!same) return value_less(runtime, x[i], y[i], depth + 1);
    }
    return x.size() < y.size();
  }
  return invalid_argument("'{}' and '{}' cannot be put in order", kind_name(a), kind_name(b));
}

Result<bool> value_less_equal(Runtime& runtime, const Value& a, const Value& b) {
  ASSIGN_OR_RETURN(const bool less, value_less(runtime, a, b));
  if (less) return true;
  return values_equal(runtime, a, b);
}

Result<std::size_t> hash_value(Runtime& runtime, const Value& value, int depth) {
  if (depth > kMaxValueDepth) return too_deep();
  RETURN_IF_ERROR(runtime.spend(value.is_string() ? value.text().size() / 64 : 1));
  switch (value.kind()) {
    case Kind::kString:
      return std::hash<std::string_view>{}(value.text());
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat: {
      // Equal numbers hash alike whatever their kind, also past the integers a double can hold.
      return std::hash<double>{}(value.as_double());
    }
    case Kind::kTuple: {
      std::size_t hash = 0x9e3779b97f4a7c15;
      for (const Value& item : value.list().items) {
        ASSIGN_OR_RETURN(const std::size_t part, hash_value(runtime, item, depth + 1));
        hash = (hash ^ part) * 0x100000001b3;
      }
      return hash;
    }
    case Kind::kNone:
    case Kind::kUndefined:
      return static_cast<std::size_t>(value.kind()) + 1;
    case Kind::kRange:
      return static_cast<std::size_t>(value.range().length);
    case Kind::kIterator:
    case Kind::kInstance:
      return std::hash<const void*>{}(value.object());
    case Kind::kList:
    case Kind::kDict:
    case Kind::kDictView:
      break;
  }
  return invalid_argument("a value of type '{}' cannot be a key", kind_name(value));
}

bool hashable_equal(const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) return a.text() == b.text();
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNone:
    case Kind::kUndefined:
      return true;
    case Kind::kRange:
      return ranges_equal(a.range(), b.range());
    case Kind::kTuple: {
      const auto& x = a.list().items;
      const auto& y = b.list().items;
      if (x.size() != y.size()) return false;
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (!hashable_equal(x[i], y[i])) return false;
      }
      return true;
    }
    default:
      return a.object() == b.object();
  }
}

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return value.string().is_markup() ? "Markup" : "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kDictView:
      return "dict view";
    case Kind::kRange:
      return "range";
    case Kind::kIterator:
      return value.iterator().type_name();
    case Kind::kInstance:
      return value.instance().type_name();
  }
  return "";
}

Status undefined_error(const Value& value) {
  const UndefinedObject* origin = value.undefined();
  return invalid_argument("{}", origin == nullptr ? "a value is undefined" : origin->message());
}

}  // namespace nacelle::chat_template
