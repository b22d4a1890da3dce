#include "control/core/go_template/functions.h"

namespace nacelle::control::go_template {
namespace {

using kube::Json;
using Arguments = std::span<const Json>;

Status need(std::string_view name, Arguments arguments, std::size_t least) {
  if (arguments.size() >= least) return {};
  return invalid_argument("{} wants {} arguments, got {}", name, least, arguments.size());
}

Result<Json> equal(Arguments arguments) {
  RETURN_IF_ERROR(need("eq", arguments, 2));
  for (const Json& other : arguments.subspan(1)) {
    const bool comparable = other.type() == arguments[0].type() || other.is_null() ||
                            arguments[0].is_null() ||
                            (other.is_number() && arguments[0].is_number());
    if (!comparable) return invalid_argument("incompatible types for comparison");
    if (other == arguments[0]) return Json(true);
  }
  return Json(false);
}

Result<Json> less(std::string_view name, Arguments arguments) {
  RETURN_IF_ERROR(need(name, arguments, 2));
  const Json& a = arguments[0];
  const Json& b = arguments[1];
  if (!(a.is_number() && b.is_number()) && !(a.is_string() && b.is_string())) {
    return invalid_argument("incompatible types for comparison");
  }
  if (name == "lt") return Json(a < b);
  if (name == "le") return Json(a <= b);
  if (name == "gt") return Json(b < a);
  return Json(b <= a);
}

Result<Json> index(Arguments arguments) {
  RETURN_IF_ERROR(need("index", arguments, 1));
  const Json* at = &arguments[0];
  for (const Json& key : arguments.subspan(1)) {
    if (at->is_object() && key.is_string()) {
      const auto found = at->find(key.get_ref<const std::string&>());
      if (found == at->end()) return Json();
      at = &*found;
    } else if (at->is_array() && key.is_number_integer()) {
      const auto place = key.get<std::int64_t>();
      if (place < 0 || static_cast<std::size_t>(place) >= at->size()) {
        return invalid_argument("index {} is outside of {} items", place, at->size());
      }
      at = &(*at)[static_cast<std::size_t>(place)];
    } else {
      return invalid_argument("can't index {} by {}", at->type_name(), key.type_name());
    }
  }
  return *at;
}

Result<Json> print_format(Arguments arguments) {
  RETURN_IF_ERROR(need("printf", arguments, 1));
  if (!arguments[0].is_string()) return invalid_argument("printf wants a text first");
  const auto& format = arguments[0].get_ref<const std::string&>();
  std::string out;
  std::size_t next = 1;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    if (++i == format.size()) return invalid_argument("printf ends on %");
    if (format[i] == '%') {
      out += '%';
      continue;
    }
    if (next == arguments.size()) return invalid_argument("printf has too few values");
    const Json& value = arguments[next++];
    if (format[i] == 'q') {
      out += Json(printed(value)).dump(-1, ' ', false, Json::error_handler_t::replace);
    } else if (format[i] == 's' || format[i] == 'v' || format[i] == 'd' || format[i] == 't') {
      out += printed(value);
    } else {
      return invalid_argument("printf knows no %{}", format[i]);
    }
  }
  return Json(std::move(out));
}

Result<Json> print_all(Arguments arguments, bool line) {
  std::string out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool texts = i > 0 && arguments[i].is_string() && arguments[i - 1].is_string();
    if (i > 0 && (line || !texts)) out += ' ';
    out += printed(arguments[i]);
  }
  if (line) out += '\n';
  return Json(std::move(out));
}

Result<Json> length(Arguments arguments) {
  RETURN_IF_ERROR(need("len", arguments, 1));
  const Json& value = arguments[0];
  if (value.is_string()) return Json(value.get_ref<const std::string&>().size());
  if (value.is_structured()) return Json(value.size());
  return invalid_argument("len of {}", value.type_name());
}

}  // namespace

bool is_true(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

std::string printed(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<nil>";
  if (value.is_array() || value.is_object()) {
    std::string out = value.is_array() ? "[" : "map[";
    for (const auto& [name, member] : value.items()) {
      if (out.back() != '[') out += ' ';
      if (value.is_object()) out += name + ":";
      out += printed(member);
    }
    return out + "]";
  }
  return value.dump();
}

std::optional<Result<Json>> call_builtin(std::string_view name, Arguments arguments) {
  if (name == "eq") return equal(arguments);
  if (name == "ne") {
    const Result<Json> same = equal(arguments);
    return same.ok() ? Result<Json>(Json(!same->get<bool>())) : same;
  }
  if (name == "lt" || name == "le" || name == "gt" || name == "ge") return less(name, arguments);
  if (name == "not") {
    if (const Status status = need(name, arguments, 1); !status.ok()) return Result<Json>(status);
    return Result<Json>(Json(!is_true(arguments[0])));
  }
  if (name == "and" || name == "or") {
    if (const Status status = need(name, arguments, 1); !status.ok()) return Result<Json>(status);
    for (const Json& value : arguments) {
      if (is_true(value) == (name == "or")) return Result<Json>(value);
    }
    return Result<Json>(arguments.back());
  }
  if (name == "len") return length(arguments);
  if (name == "index") return index(arguments);
  if (name == "printf") return print_format(arguments);
  if (name == "print" || name == "println") return print_all(arguments, name == "println");
  return std::nullopt;
}

}  // namespace nacelle::control::go_template
