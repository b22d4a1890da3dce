#include "chat_template/eval/loop.h"

#include "chat_template/eval/callables.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"

namespace nacelle::chat_template {
namespace {

// The items a loop's `if` lets through, tested one by one as the loop asks for them.
class FilteredItems final : public IteratorObject {
 public:
  FilteredItems(Runtime& runtime, const ForStatement& statement, Ref<Scope> closure,
                Ref<IteratorObject> items)
      : IteratorObject(runtime),
        statement_(statement),
        closure_(std::move(closure)),
        items_(std::move(items)) {}

  Result<bool> next(Interpreter& interpreter, Value& item) override {
    while (true) {
      RETURN_IF_ERROR(interpreter.runtime().spend(1));
      ASSIGN_OR_RETURN(const bool more, items_->next(interpreter, item));
      if (!more) return false;
      ASSIGN_OR_RETURN(const bool accepted, interpreter.accepts(statement_, closure_, item));
      if (accepted) return true;
    }
  }

 private:
  const ForStatement& statement_;
  Ref<Scope> closure_;
  Ref<IteratorObject> items_;
};

Result<Value> call_cycle(Interpreter&, const Value& self, const CallArgs& args) {
  return static_cast<LoopObject&>(self.instance()).cycle(args);
}

Result<Value> call_changed(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  return static_cast<LoopObject&>(self.instance()).changed(interpreter, args);
}

}  // namespace

Result<bool> LoopObject::advance(Interpreter& interpreter, Value& item) {
  if (after_) {
    item = std::move(*after_);
    after_.reset();
  } else {
    ASSIGN_OR_RETURN(const bool more, parts_.items->next(interpreter, item));
    if (!more) return false;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return true;
}

Result<bool> LoopObject::peek(Interpreter& interpreter) {
  if (after_) return true;
  Value item;
  ASSIGN_OR_RETURN(const bool more, parts_.items->next(interpreter, item));
  if (more) after_ = std::move(item);
  return more;
}

Result<Int> LoopObject::find_length(Interpreter& interpreter) {
  if (!parts_.length) {
    // The rest of an iterator is read now and walked later.
    ASSIGN_OR_RETURN(std::vector<Value> rest, collect(interpreter, make_iterator(parts_.items)));
    parts_.length = rest.size() + static_cast<std::size_t>(index0_ + 1) + (after_ ? 1 : 0);
    const Value list = make_list(interpreter.runtime(), std::move(rest));
    ASSIGN_OR_RETURN(parts_.items, iterate(interpreter.runtime(), list));
  }
  return static_cast<Int>(*parts_.length);
}

Result<std::optional<Value>> LoopObject::attribute(Interpreter& interpreter,
                                                   std::string_view name) {
  Runtime& runtime = interpreter.runtime();
  std::optional<Value> result;
  if (name == "index") {
    result = Value::integer(index0_ + 1);
  } else if (name == "index0") {
    result = Value::integer(index0_);
  } else if (name == "first") {
    result = Value::boolean(index0_ == 0);
  } else if (name == "last") {
    ASSIGN_OR_RETURN(const bool more, peek(interpreter));
    result = Value::boolean(!more);
  } else if (name == "length") {
    ASSIGN_OR_RETURN(const Int length, find_length(interpreter));
    result = Value::integer(length);
  } else if (name == "revindex") {
    ASSIGN_OR_RETURN(const Int length, find_length(interpreter));
    result = Value::integer(length - index0_);
  } else if (name == "revindex0") {
    ASSIGN_OR_RETURN(const Int length, find_length(interpreter));
    result = Value::integer(length - index0_ - 1);
  } else if (name == "previtem") {
    result = index0_ == 0 ? UndefinedObject::hinted(runtime, "there is no previous item") : before_;
  } else if (name == "nextitem") {
    ASSIGN_OR_RETURN(const bool more, peek(interpreter));
    result = more ? *after_ : UndefinedObject::hinted(runtime, "there is no next item");
  } else if (name == "depth") {
    result = Value::integer(static_cast<Int>(parts_.depth + 1));
  } else if (name == "depth0") {
    result = Value::integer(static_cast<Int>(parts_.depth));
  } else if (name == "cycle" || name == "changed") {
    const Value self = Value::of(Kind::kInstance, this);
    result = make_method(runtime, self, name == "cycle" ? "cycle" : "changed",
                         name == "cycle" ? &call_cycle : &call_changed);
  }
  return result;
}

Result<Value> LoopObject::cycle(const CallArgs& args) const {
  if (args.positional.empty()) return invalid_argument("no items for cycling given");
  return args.positional[static_cast<std::size_t>(index0_) % args.positional.size()];
}

Result<Value> LoopObject::changed(Interpreter& interpreter, const CallArgs& args) {
  const Value now = make_tuple(interpreter.runtime(), args.positional);
  if (last_changed_) {
    ASSIGN_OR_RETURN(const bool same, values_equal(interpreter.runtime(), *last_changed_, now));
    if (same) return Value::boolean(false);
  }
  last_changed_ = now;
  return Value::boolean(true);
}

Result<Value> LoopObject::call(Interpreter& interpreter, const CallArgs& args) {
  if (!parts_.statement->is_recursive) {
    return invalid_argument("The loop must have the 'recursive' marker to be called recursively.");
  }
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("loop", args, {"iterable"}, 1));
  return interpreter.run_recursive_loop(*parts_.statement, parts_.closure, bound[0],
                                        parts_.depth + 1);
}

Result<std::string> LoopObject::repr(Runtime&, int) const {
  return fmt::format("<LoopContext {}>", index0_ + 1);
}

Result<Ref<LoopObject>> make_loop(Runtime& runtime, const ForStatement& statement,
                                  const Ref<Scope>& closure, const Value& items,
                                  std::size_t depth) {
  LoopObject::Parts parts{&statement, closure, {}, length_of(items), depth};
  ASSIGN_OR_RETURN(parts.items, iterate(runtime, items));
  if (statement.test) {
    parts.length.reset();
    parts.items = runtime.make<FilteredItems>(0, statement, closure, parts.items);
  }
  return runtime.make<LoopObject>(0, std::move(parts));
}

}  // namespace nacelle::chat_template
