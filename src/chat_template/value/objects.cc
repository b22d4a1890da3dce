#include "chat_template/value/objects.h"

#include "base/utf8.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {

Value UndefinedObject::hinted(Runtime& runtime, std::string hint) {
  const auto object = runtime.make<UndefinedObject>(hint.size(), std::string_view(hint));
  object->is_hint_ = true;
  return Value::of(Kind::kUndefined, object.get());
}

std::string UndefinedObject::message() const {
  if (is_hint_) return name_;
  if (owner_.empty()) return fmt::format("'{}' is undefined", name_);
  return fmt::format("'{}' has no attribute or element '{}'", owner_, name_);
}

std::size_t StringObject::length() const {
  if (!length_) length_ = utf8_length(text_);
  return *length_;
}

RangeObject::RangeObject(Runtime& runtime, Int start, Int stop, Int step)
    : Object(runtime), start(start), stop(stop), step(step), length(0) {
  if (step > 0 && start < stop) length = (stop - start + step - 1) / step;
  if (step < 0 && start > stop) length = (start - stop - step - 1) / -step;
}

Result<Value> InstanceObject::call(Interpreter&, const CallArgs&) {
  return invalid_argument("'{}' is not callable", type_name());
}

Result<std::optional<Value>> NamespaceObject::attribute(Interpreter&, std::string_view name) {
  std::optional<Value> result;
  if (!attributes_.is(Kind::kDict)) return result;
  if (const Value* found = attributes_.dict().find(name); found != nullptr) result = *found;
  return result;
}

Status NamespaceObject::set(Runtime& runtime, std::string_view name, Value value) {
  return attributes_.dict().set(make_string(runtime, name), std::move(value));
}

Result<std::string> NamespaceObject::repr(Runtime& runtime, int depth) const {
  std::string text = "<Namespace ";
  RETURN_IF_ERROR(append_repr(runtime, attributes_, text, depth + 1));
  return text + ">";
}

Value make_string(Runtime& runtime, std::string text, bool is_markup) {
  const std::size_t bytes = text.size();
  return Value::of(Kind::kString,
                   runtime.make<StringObject>(bytes, std::move(text), is_markup).get());
}

Value make_list(Runtime& runtime, std::vector<Value> items) {
  const std::size_t bytes = items.capacity() * sizeof(Value);
  return Value::of(Kind::kList, runtime.make<ListObject>(bytes, std::move(items)).get());
}

Value make_tuple(Runtime& runtime, std::vector<Value> items) {
  const std::size_t bytes = items.capacity() * sizeof(Value);
  return Value::of(Kind::kTuple, runtime.make<ListObject>(bytes, std::move(items)).get());
}

Value make_range(Runtime& runtime, Int start, Int stop, Int step) {
  return Value::of(Kind::kRange, runtime.make<RangeObject>(0, start, stop, step).get());
}

Value make_dict(Runtime& runtime) {
  return Value::of(Kind::kDict, runtime.make<DictObject>(0).get());
}

Value make_iterator(const Ref<IteratorObject>& iterator) {
  return Value::of(Kind::kIterator, iterator.get());
}

Value make_instance(const Ref<InstanceObject>& instance) {
  return Value::of(Kind::kInstance, instance.get());
}

}  // namespace nacelle::chat_template
