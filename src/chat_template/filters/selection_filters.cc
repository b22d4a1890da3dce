// selection_filters.cc: map, select, reject, selectattr and rejectattr, which work item by item.
#include "chat_template/eval/interpreter.h"
#include "chat_template/filters/attribute_path.h"
#include "chat_template/filters/tables.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"

namespace nacelle::chat_template {
namespace {

// Items of `source`, each changed or dropped. Like a Python generator, it looks at its arguments
// only when the first item is asked for.
class ItemPipe : public IteratorObject {
 public:
  Result<bool> next(Interpreter& interpreter, Value& item) override {
    Runtime& runtime = interpreter.runtime();
    if (!is_open_) {
      is_open_ = true;
      // A false value, such as none, counts as empty.
      if (is_true(args_.positional[0])) {
        RETURN_IF_ERROR(prepare(interpreter));
        ASSIGN_OR_RETURN(items_, iterate(runtime, args_.positional[0]));
      }
    }
    if (!items_) return false;
    while (true) {
      RETURN_IF_ERROR(runtime.spend(1));
      RETURN_IF_ERROR(runtime.check_stack());
      ASSIGN_OR_RETURN(const bool more, items_->next(interpreter, item));
      if (!more) return false;
      ASSIGN_OR_RETURN(const bool keep, process(interpreter, item));
      if (keep) return true;
    }
  }

 protected:
  ItemPipe(Runtime& runtime, CallArgs args) : IteratorObject(runtime), args_(std::move(args)) {}

  virtual Status prepare(Interpreter& interpreter) = 0;
  // False: the item is dropped.
  virtual Result<bool> process(Interpreter& interpreter, Value& item) = 0;

  CallArgs args_;  // of the filter; the first position is the source

 private:
  Ref<IteratorObject> items_;
  bool is_open_ = false;
};

// The arguments of a filter or test that is called by name: its value, then what is left over.
CallArgs inner_arguments(const CallArgs& args, std::size_t used) {
  CallArgs inner;
  inner.positional.emplace_back();
  inner.positional.insert(inner.positional.end(),
                          args.positional.begin() + static_cast<std::ptrdiff_t>(used),
                          args.positional.end());
  inner.named = args.named;
  return inner;
}

// map('filter', ...) or map(attribute='path', default=...).
class MapPipe final : public ItemPipe {
 public:
  MapPipe(Runtime& runtime, CallArgs args) : ItemPipe(runtime, std::move(args)) {}

 private:
  Status prepare(Interpreter& interpreter) override {
    if (args_.positional.size() > 1) {
      ASSIGN_OR_RETURN(name_, to_string_view("the name of the filter", args_.positional[1]));
      inner_ = inner_arguments(args_, 2);
      return {};
    }
    bool has_attribute = false;
    for (const auto& [name, value] : args_.named) {
      if (name == "attribute") {
        has_attribute = true;
        ASSIGN_OR_RETURN(path_, AttributePath::parse(interpreter.runtime(), value));
      } else if (name == "default") {
        fallback_ = value;
      } else {
        return invalid_argument("Unexpected keyword argument '{}'", name);
      }
    }
    return has_attribute ? Status() : invalid_argument("map requires a filter argument");
  }

  Result<bool> process(Interpreter& interpreter, Value& item) override {
    if (name_.empty()) {
      ASSIGN_OR_RETURN(item, path_.follow(interpreter, item, fallback_));
      return true;
    }
    inner_.positional[0] = item;
    ASSIGN_OR_RETURN(item, interpreter.call_filter(name_, inner_));
    return true;
  }

  std::string name_;
  AttributePath path_;
  Value fallback_ = Value::none();
  CallArgs inner_;
};

// select('test', ...) and its three sisters.
class SelectPipe final : public ItemPipe {
 public:
  SelectPipe(Runtime& runtime, CallArgs args, bool wanted, bool has_attribute)
      : ItemPipe(runtime, std::move(args)), wanted_(wanted), has_attribute_(has_attribute) {}

 private:
  Status prepare(Interpreter& interpreter) override {
    std::size_t used = 1;
    if (has_attribute_) {
      if (args_.positional.size() < 2) {
        return invalid_argument("Missing parameter for attribute name");
      }
      ASSIGN_OR_RETURN(path_, AttributePath::parse(interpreter.runtime(), args_.positional[1]));
      used = 2;
    }
    if (args_.positional.size() > used) {
      ASSIGN_OR_RETURN(test_, to_string_view("the name of the test", args_.positional[used]));
      inner_ = inner_arguments(args_, used + 1);
    }
    return {};
  }

  Result<bool> process(Interpreter& interpreter, Value& item) override {
    Value tested = item;
    if (has_attribute_) {
      ASSIGN_OR_RETURN(tested, path_.follow(interpreter, item, Value::none()));
    }
    bool holds = is_true(tested);
    if (!test_.empty()) {
      inner_.positional[0] = tested;
      ASSIGN_OR_RETURN(holds, interpreter.call_test(test_, inner_));
    }
    return holds == wanted_;
  }

  bool wanted_;
  bool has_attribute_;
  std::string test_;
  AttributePath path_;
  CallArgs inner_;
};

Result<Value> map(Interpreter& interpreter, const CallArgs& args) {
  if (args.positional.empty()) return invalid_argument("map needs a value");
  return make_iterator(interpreter.runtime().make<MapPipe>(0, args));
}

template <bool wanted, bool has_attribute>
Result<Value> select(Interpreter& interpreter, const CallArgs& args) {
  if (args.positional.empty()) return invalid_argument("the filter needs a value");
  return make_iterator(interpreter.runtime().make<SelectPipe>(0, args, wanted, has_attribute));
}

constexpr FilterEntry kFilters[] = {
    {"map", &map},
    {"reject", &select<false, false>},
    {"rejectattr", &select<false, true>},
    {"select", &select<true, false>},
    {"selectattr", &select<true, true>},
};

}  // namespace

std::span<const FilterEntry> selection_filters() { return kFilters; }

}  // namespace nacelle::chat_template
