#include "chat_template/eval/globals.h"

#include "chat_template/eval/callables.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

constexpr Int kMaxRangeLength = 100'000;  // the sandbox's MAX_RANGE

Result<Value> make_range_value(Interpreter& interpreter, const CallArgs& args) {
  if (!args.named.empty() || args.positional.empty() || args.positional.size() > 3) {
    return invalid_argument("range needs one to three integers");
  }
  Int bounds[3] = {0, 0, 1};
  const std::size_t count = args.positional.size();
  for (std::size_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(bounds[count == 1 ? 1 : i], to_integer("range", args.positional[i]));
  }
  for (const Int bound : bounds) {
    if (bound > kMaxRangeBound || bound < -kMaxRangeBound) {
      return out_of_range("a bound of range is too large");
    }
  }
  if (bounds[2] == 0) return invalid_argument("the step of range must not be zero");
  Value range = make_range(interpreter.runtime(), bounds[0], bounds[1], bounds[2]);
  if (range.range().length > kMaxRangeLength) {
    return out_of_range("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({}).",
                        kMaxRangeLength);
  }
  return range;
}

// dict(mapping or pairs, **named)
Result<Value> make_dict_value(Interpreter& interpreter, const CallArgs& args) {
  if (args.positional.size() > 1) {
    return invalid_argument("expected at most 1 argument, got {}", args.positional.size());
  }
  Runtime& runtime = interpreter.runtime();
  Value dict = make_dict(runtime);
  if (!args.positional.empty()) {
    const Value& source = args.positional[0];
    if (source.is(Kind::kDict)) {
      for (const auto& [key, value] : source.dict().entries()) {
        RETURN_IF_ERROR(dict.dict().set(key, value));
      }
    } else {
      ASSIGN_OR_RETURN(const std::vector<Value> pairs, collect(interpreter, source));
      for (const Value& pair : pairs) {
        ASSIGN_OR_RETURN(const std::vector<Value> parts, collect(interpreter, pair));
        if (parts.size() != 2) return invalid_argument("dict needs pairs of a key and a value");
        RETURN_IF_ERROR(dict.dict().set(parts[0], parts[1]));
      }
    }
  }
  for (const auto& [name, value] : args.named) {
    RETURN_IF_ERROR(dict.dict().set(make_string(runtime, name), value));
  }
  return dict;
}

Result<Value> make_namespace(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const Value attributes, make_dict_value(interpreter, args));
  return make_instance(interpreter.runtime().make<NamespaceObject>(0, attributes));
}

class CyclerObject final : public InstanceObject {
 public:
  CyclerObject(Runtime& runtime, std::vector<Value> items)
      : InstanceObject(runtime), items_(std::move(items)) {}

  Result<std::optional<Value>> attribute(Interpreter& interpreter, std::string_view name) override {
    Runtime& runtime = interpreter.runtime();
    const Value self = Value::of(Kind::kInstance, this);
    std::optional<Value> result;
    if (name == "current") result = items_[position_];
    if (name == "pos") result = Value::integer(static_cast<Int>(position_));
    if (name == "items") result = make_tuple(runtime, items_);
    if (name == "next") result = make_method(runtime, self, "next", &next);
    if (name == "reset") result = make_method(runtime, self, "reset", &reset);
    return result;
  }
  Result<std::string> repr(Runtime&, int) const override {
    return std::string("<jinja2.utils.Cycler object>");
  }
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.utils.Cycler object"; }

 private:
  static Result<Value> next(Interpreter&, const Value& self, const CallArgs&) {
    auto& cycler = static_cast<CyclerObject&>(self.instance());
    Value item = cycler.items_[cycler.position_];
    cycler.position_ = (cycler.position_ + 1) % cycler.items_.size();
    return item;
  }
  static Result<Value> reset(Interpreter&, const Value& self, const CallArgs&) {
    static_cast<CyclerObject&>(self.instance()).position_ = 0;
    return Value::none();
  }

  std::vector<Value> items_;
  std::size_t position_ = 0;
};

class JoinerObject final : public InstanceObject {
 public:
  JoinerObject(Runtime& runtime, Value separator)
      : InstanceObject(runtime), separator_(std::move(separator)) {}

  [[nodiscard]] bool is_callable() const override { return true; }
  Result<Value> call(Interpreter& interpreter, const CallArgs&) override {
    if (was_used_) return separator_;
    was_used_ = true;
    return make_string(interpreter.runtime(), "");
  }
  Result<std::string> repr(Runtime&, int) const override {
    return std::string("<jinja2.utils.Joiner object>");
  }
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.utils.Joiner object"; }

 private:
  Value separator_;
  bool was_used_ = false;
};

Result<Value> make_cycler(Interpreter& interpreter, const CallArgs& args) {
  if (args.positional.empty() || !args.named.empty()) {
    return invalid_argument("at least one item has to be provided");
  }
  return make_instance(interpreter.runtime().make<CyclerObject>(0, args.positional));
}

Result<Value> make_joiner(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("joiner", args, {"sep"}, 0));
  Runtime& runtime = interpreter.runtime();
  return make_instance(runtime.make<JoinerObject>(0, bound.get(0, make_string(runtime, ", "))));
}

Result<Value> raise_exception(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("raise_exception", args, {"message"}, 1));
  ASSIGN_OR_RETURN(std::string message, to_text(interpreter.runtime(), bound[0]));
  return interpreter.raise(std::move(message));
}

Result<Value> strftime_now(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("strftime_now", args, {"format"}, 1));
  ASSIGN_OR_RETURN(const std::string_view format, to_string_view("the time format", bound[0]));
  RETURN_IF_ERROR(interpreter.runtime().reserve(format.size(), 16));
  return make_string(interpreter.runtime(), format_time(format, interpreter.now()));
}

struct Global {
  std::string_view name;
  Function function;
};
constexpr Global kGlobals[] = {
    {"cycler", &make_cycler},
    {"dict", &make_dict_value},
    {"joiner", &make_joiner},
    {"namespace", &make_namespace},
    {"raise_exception", &raise_exception},
    {"range", &make_range_value},
    {"strftime_now", &strftime_now},
};

}  // namespace

std::optional<Value> make_global(Runtime& runtime, std::string_view name) {
  for (const auto& [known, function] : kGlobals) {
    if (known == name) return make_function(runtime, known, function);
  }
  return std::nullopt;
}

}  // namespace nacelle::chat_template
