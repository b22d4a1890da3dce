// objects.h: the objects behind strings, lists, dicts, ranges, iterators and instances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat_template/value/runtime.h"
#include "chat_template/value/value.h"

namespace nacelle::chat_template {

class Interpreter;
struct CallArgs;

// Where an undefined value came from, for the message when it is used.
class UndefinedObject final : public Object {
 public:
  // A name nobody defined.
  UndefinedObject(Runtime& runtime, std::string_view name) : Object(runtime), name_(name) {}
  // `hint` is the whole message.
  static Value hinted(Runtime& runtime, std::string hint);
  // Attribute or element `name` of a value whose kind is called `owner` ("dict object").
  UndefinedObject(Runtime& runtime, std::string_view owner, std::string_view name)
      : Object(runtime), owner_(owner), name_(name) {}

  [[nodiscard]] std::string message() const;

 private:
  std::string_view owner_;  // static text; empty for a plain name
  std::string name_;
  bool is_hint_ = false;
};

// Text in UTF-8. Python counts characters, so the length in characters is kept once known.
class StringObject final : public Object {
 public:
  StringObject(Runtime& runtime, std::string text, bool is_markup)
      : Object(runtime), text_(std::move(text)), is_markup_(is_markup) {}

  [[nodiscard]] const std::string& text() const { return text_; }
  // Made by `safe` or `escape`: adding ordinary text to it escapes that text for HTML.
  [[nodiscard]] bool is_markup() const { return is_markup_; }
  [[nodiscard]] std::size_t length() const;  // characters
  [[nodiscard]] bool is_ascii() const { return length() == text_.size(); }

 private:
  std::string text_;
  mutable std::optional<std::size_t> length_;
  bool is_markup_;
};

// A list or a tuple; never changed after it was given to the template (the sandbox forbids that).
class ListObject final : public Object {
 public:
  ListObject(Runtime& runtime, std::vector<Value> items)
      : Object(runtime), items(std::move(items)) {}

  std::vector<Value> items;
  bool is_group = false;  // a tuple of `groupby`: its items are also called grouper and list
};

// A mapping in order of insertion.
class DictObject final : public Object {
 public:
  struct Entry {
    Value key;
    Value value;
  };

  explicit DictObject(Runtime& runtime) : Object(runtime), runtime_(&runtime) {}

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  // Null when the key is missing; invalid_argument when it is not hashable. O(1) on average.
  Result<const Value*> find(const Value& key) const;
  [[nodiscard]] const Value* find(std::string_view key) const;
  // Replaces or appends.
  Status set(const Value& key, Value value);

 private:
  [[nodiscard]] const Value* lookup(const Value& key, std::size_t hash) const;
  void rebuild_index();

  Runtime* runtime_;
  std::vector<Entry> entries_;
  std::vector<std::size_t> hashes_;  // of each entry's key
  // Open addressing: entry number + 1, or 0. Empty while there are few entries.
  std::vector<std::uint32_t> index_;
};

class DictViewObject final : public Object {
 public:
  enum class What : std::uint8_t { kKeys, kValues, kItems };
  DictViewObject(Runtime& runtime, Value dict, What what)
      : Object(runtime), dict(std::move(dict)), what(what) {}

  Value dict;
  What what;
};

// Bounds and steps of ranges stay below this, so that their arithmetic cannot overflow.
inline constexpr Int kMaxRangeBound = Int{1} << 62;

class RangeObject final : public Object {
 public:
  RangeObject(Runtime& runtime, Int start, Int stop, Int step);

  [[nodiscard]] Int at(Int index) const { return start + index * step; }

  Int start, stop, step;
  Int length;
};

// Hands out items one at a time; ends for good once next() returned false.
class IteratorObject : public Object {
 public:
  virtual Result<bool> next(Interpreter& interpreter, Value& item) = 0;
  // What Python prints for it, without the address.
  [[nodiscard]] virtual std::string_view type_name() const { return "generator"; }

 protected:
  using Object::Object;
};

// Everything with attributes or that can be called.
class InstanceObject : public CyclicObject {
 public:
  // Nothing when there is no such attribute.
  virtual Result<std::optional<Value>> attribute(Interpreter&, std::string_view) {
    return std::optional<Value>();
  }
  [[nodiscard]] virtual bool is_callable() const { return false; }
  virtual Result<Value> call(Interpreter& interpreter, const CallArgs& args);
  [[nodiscard]] virtual std::optional<std::size_t> length() const { return std::nullopt; }
  // Text for printing.
  virtual Result<std::string> repr(Runtime& runtime, int depth) const = 0;
  // "jinja2.utils.Namespace object", as in messages.
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  void clear() override {}

 protected:
  using CyclicObject::CyclicObject;
};

class NamespaceObject final : public InstanceObject {
 public:
  explicit NamespaceObject(Runtime& runtime, Value attributes)
      : InstanceObject(runtime), attributes_(std::move(attributes)) {}

  Result<std::optional<Value>> attribute(Interpreter&, std::string_view name) override;
  Status set(Runtime& runtime, std::string_view name, Value value);
  Result<std::string> repr(Runtime& runtime, int depth) const override;
  [[nodiscard]] std::string_view type_name() const override {
    return "jinja2.utils.Namespace object";
  }
  void clear() override { attributes_ = Value::none(); }

 private:
  Value attributes_;  // a dict
};

// Makers. Each value is charged to the runtime.
Value make_string(Runtime& runtime, std::string text, bool is_markup = false);
inline Value make_string(Runtime& runtime, std::string_view text, bool is_markup = false) {
  return make_string(runtime, std::string(text), is_markup);
}
inline Value make_string(Runtime& runtime, const char* text) {
  return make_string(runtime, std::string(text));
}
Value make_list(Runtime& runtime, std::vector<Value> items);
Value make_tuple(Runtime& runtime, std::vector<Value> items);
Value make_range(Runtime& runtime, Int start, Int stop, Int step);
Value make_dict(Runtime& runtime);
Value make_iterator(const Ref<IteratorObject>& iterator);
Value make_instance(const Ref<InstanceObject>& instance);

inline StringObject& Value::string() const { return *static_cast<StringObject*>(object()); }
inline const std::string& Value::text() const { return string().text(); }
inline ListObject& Value::list() const { return *static_cast<ListObject*>(object()); }
inline DictObject& Value::dict() const { return *static_cast<DictObject*>(object()); }
inline DictViewObject& Value::dict_view() const { return *static_cast<DictViewObject*>(object()); }
inline RangeObject& Value::range() const { return *static_cast<RangeObject*>(object()); }
inline IteratorObject& Value::iterator() const { return *static_cast<IteratorObject*>(object()); }
inline InstanceObject& Value::instance() const { return *static_cast<InstanceObject*>(object()); }
inline const UndefinedObject* Value::undefined() const {
  return static_cast<const UndefinedObject*>(object());
}

}  // namespace nacelle::chat_template
