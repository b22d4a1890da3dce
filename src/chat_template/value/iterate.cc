#include "chat_template/value/iterate.h"

#include "base/utf8.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/value/compare.h"

namespace nacelle::chat_template {
namespace {

class ListIterator final : public IteratorObject {
 public:
  ListIterator(Runtime& runtime, Value list, bool reversed)
      : IteratorObject(runtime), list_(std::move(list)), reversed_(reversed) {}

  Result<bool> next(Interpreter&, Value& item) override {
    const auto& items = list_.list().items;
    if (pos_ >= items.size()) return false;
    item = items[reversed_ ? items.size() - 1 - pos_ : pos_];
    ++pos_;
    return true;
  }
  [[nodiscard]] std::string_view type_name() const override {
    if (!reversed_) return "list_iterator";
    return list_.is(Kind::kList) ? "list_reverseiterator" : "reversed";
  }

 private:
  Value list_;
  std::size_t pos_ = 0;
  bool reversed_;
};

class TextIterator final : public IteratorObject {
 public:
  TextIterator(Runtime& runtime, Value text) : IteratorObject(runtime), text_(std::move(text)) {}

  Result<bool> next(Interpreter& interpreter, Value& item) override {
    const std::string& text = text_.text();
    if (pos_ >= text.size()) return false;
    item = character_at(interpreter.runtime(), text, pos_, &pos_);
    return true;
  }

 private:
  Value text_;
  std::size_t pos_ = 0;
};

class DictIterator final : public IteratorObject {
 public:
  using What = DictViewObject::What;
  DictIterator(Runtime& runtime, Value dict, What what, bool reversed)
      : IteratorObject(runtime), dict_(std::move(dict)), what_(what), reversed_(reversed) {}

  Result<bool> next(Interpreter& interpreter, Value& item) override {
    const auto& entries = dict_.dict().entries();
    if (pos_ >= entries.size()) return false;
    const auto& [key, value] = entries[reversed_ ? entries.size() - 1 - pos_ : pos_];
    ++pos_;
    if (what_ == What::kItems) {
      item = make_tuple(interpreter.runtime(), {key, value});
    } else {
      item = what_ == What::kKeys ? key : value;
    }
    return true;
  }
  [[nodiscard]] std::string_view type_name() const override { return "dict_keyiterator"; }

 private:
  Value dict_;
  What what_;
  std::size_t pos_ = 0;
  bool reversed_;
};

class RangeIterator final : public IteratorObject {
 public:
  RangeIterator(Runtime& runtime, Value range, bool reversed)
      : IteratorObject(runtime), range_(std::move(range)), reversed_(reversed) {}

  Result<bool> next(Interpreter&, Value& item) override {
    const RangeObject& range = range_.range();
    if (pos_ >= range.length) return false;
    item = Value::integer(range.at(reversed_ ? range.length - 1 - pos_ : pos_));
    ++pos_;
    return true;
  }
  [[nodiscard]] std::string_view type_name() const override { return "range_iterator"; }

 private:
  Value range_;
  Int pos_ = 0;
  bool reversed_;
};

Result<Ref<IteratorObject>> iterate_stored(Runtime& runtime, const Value& value, bool reversed) {
  switch (value.kind()) {
    case Kind::kList:
    case Kind::kTuple:
      return Ref<IteratorObject>(runtime.make<ListIterator>(0, value, reversed));
    case Kind::kDict:
      return Ref<IteratorObject>(
          runtime.make<DictIterator>(0, value, DictViewObject::What::kKeys, reversed));
    case Kind::kDictView: {
      const DictViewObject& view = value.dict_view();
      return Ref<IteratorObject>(runtime.make<DictIterator>(0, view.dict, view.what, reversed));
    }
    case Kind::kRange:
      return Ref<IteratorObject>(runtime.make<RangeIterator>(0, value, reversed));
    default:
      return invalid_argument("a value of type '{}' is not iterable", kind_name(value));
  }
}

}  // namespace

Value character_at(Runtime& runtime, const std::string& text, std::size_t pos, std::size_t* next) {
  const std::size_t length = decode_utf8(text, pos).length;
  *next = pos + length;
  return make_string(runtime, text.substr(pos, length));
}

Result<Ref<IteratorObject>> iterate(Runtime& runtime, const Value& value) {
  if (value.is(Kind::kIterator)) return Ref<IteratorObject>(&value.iterator());
  if (value.is_string()) return Ref<IteratorObject>(runtime.make<TextIterator>(0, value));
  if (value.is_undefined()) {
    return Ref<IteratorObject>(runtime.make<ListIterator>(0, make_list(runtime, {}), false));
  }
  return iterate_stored(runtime, value, false);
}

Result<Ref<IteratorObject>> iterate_reversed(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return iterate(runtime, value);
  if (value.is_string()) {
    std::vector<Value> characters;
    const std::string& text = value.text();
    for (std::size_t pos = 0; pos < text.size();) {
      RETURN_IF_ERROR(runtime.spend(1));
      characters.push_back(character_at(runtime, text, pos, &pos));
    }
    return iterate_stored(runtime, make_tuple(runtime, std::move(characters)), true);
  }
  return iterate_stored(runtime, value, true);
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kNone:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
    case Kind::kInstance:
      return false;
    default:
      return true;
  }
}

std::optional<std::size_t> length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return value.string().length();
    case Kind::kList:
    case Kind::kTuple:
      return value.list().items.size();
    case Kind::kDict:
      return value.dict().size();
    case Kind::kDictView:
      return value.dict_view().dict.dict().size();
    case Kind::kRange:
      return static_cast<std::size_t>(value.range().length);
    case Kind::kInstance:
      return value.instance().length();
    default:
      return std::nullopt;
  }
}

Result<std::vector<Value>> collect(Interpreter& interpreter, const Value& value) {
  Runtime& runtime = interpreter.runtime();
  std::vector<Value> items;
  if (value.is_sequence()) {
    RETURN_IF_ERROR(runtime.spend(value.list().items.size()));
    return value.list().items;
  }
  ASSIGN_OR_RETURN(const Ref<IteratorObject> iterator, iterate(runtime, value));
  if (const auto length = length_of(value)) {
    RETURN_IF_ERROR(runtime.reserve(*length, sizeof(Value)));
    items.reserve(*length);
  }
  while (true) {
    RETURN_IF_ERROR(runtime.spend(1));
    RETURN_IF_ERROR(runtime.reserve(items.size(), sizeof(Value)));
    Value item;
    ASSIGN_OR_RETURN(const bool more, iterator->next(interpreter, item));
    if (!more) return items;
    items.push_back(std::move(item));
  }
}

}  // namespace nacelle::chat_template
