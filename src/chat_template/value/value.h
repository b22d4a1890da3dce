// value.h: one value of the template language, with Python's kinds.
//
// Small kinds live in the value itself; the others point to an Object of objects.h. Copying is
// cheap. A value belongs to one rendering (see object.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "chat_template/value/object.h"

namespace nacelle::chat_template {

// Python's integers have no bound. 128 bits hold every integer JSON can bring; arithmetic that
// leaves them is an error, never a wrong number.
__extension__ typedef __int128 Int;

enum class Kind : std::uint8_t {
  kUndefined,  // a name or attribute that does not exist; the object tells which
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,    // StringObject, UTF-8
  kList,      // ListObject
  kTuple,     // ListObject
  kDict,      // DictObject, in order of insertion
  kDictView,  // DictViewObject: what keys(), values() and items() return
  kRange,     // RangeObject
  kIterator,  // IteratorObject: can be walked once, as Python's generators
  kInstance,  // InstanceObject: namespaces, functions, macros, `loop`, ...
};

class StringObject;
class ListObject;
class DictObject;
class DictViewObject;
class RangeObject;
class IteratorObject;
class InstanceObject;
class UndefinedObject;

class Value {
 public:
  Value() : payload_{.integer = 0} {}  // undefined, of unknown origin
  Value(const Value& other) : payload_(other.payload_), kind_(other.kind_) {
    if (Object* held = object()) held->retain();
  }
  Value(Value&& other) noexcept : payload_(other.payload_), kind_(other.kind_) {
    other.kind_ = Kind::kNone;
  }
  Value& operator=(Value other) noexcept {
    std::swap(payload_, other.payload_);
    std::swap(kind_, other.kind_);
    return *this;
  }
  ~Value() {
    if (Object* held = object()) held->release();
  }

  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool value) {
    Value made(Kind::kBool);
    made.payload_.boolean = value;
    return made;
  }
  static Value integer(Int value) {
    Value made(Kind::kInt);
    made.payload_.integer = value;
    return made;
  }
  static Value number(double value) {
    Value made(Kind::kFloat);
    made.payload_.number = value;
    return made;
  }
  // `kind` must be the one its object belongs to.
  static Value of(Kind kind, Object* object) {
    Value made(kind);
    made.payload_.object = object;
    object->retain();
    return made;
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  [[nodiscard]] bool is_undefined() const { return kind_ == Kind::kUndefined; }
  [[nodiscard]] bool is_none() const { return kind_ == Kind::kNone; }
  [[nodiscard]] bool is_string() const { return kind_ == Kind::kString; }
  [[nodiscard]] bool is_sequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }
  // Booleans are integers, as in Python.
  [[nodiscard]] bool is_integral() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  [[nodiscard]] bool is_number() const { return is_integral() || kind_ == Kind::kFloat; }

  // The kind must be the one named.
  [[nodiscard]] bool as_bool() const { return payload_.boolean; }
  [[nodiscard]] Int as_int() const {
    return kind_ == Kind::kBool ? Int{payload_.boolean} : payload_.integer;
  }
  [[nodiscard]] double as_double() const {
    return kind_ == Kind::kFloat ? payload_.number : static_cast<double>(as_int());
  }
  [[nodiscard]] StringObject& string() const;
  [[nodiscard]] const std::string& text() const;  // bytes of a string
  [[nodiscard]] ListObject& list() const;         // list or tuple
  [[nodiscard]] DictObject& dict() const;
  [[nodiscard]] DictViewObject& dict_view() const;
  [[nodiscard]] RangeObject& range() const;
  [[nodiscard]] IteratorObject& iterator() const;
  [[nodiscard]] InstanceObject& instance() const;
  [[nodiscard]] const UndefinedObject* undefined() const;  // null when the origin is unknown

  // The object behind the value; null for small kinds.
  [[nodiscard]] Object* object() const {
    if (kind_ >= Kind::kString) return payload_.object;
    return kind_ == Kind::kUndefined ? payload_.object : nullptr;
  }

 private:
  explicit Value(Kind kind) : payload_{.integer = 0}, kind_(kind) {}

  union Payload {
    Int integer;
    double number;
    bool boolean;
    Object* object;
  } payload_;
  Kind kind_ = Kind::kUndefined;
};

}  // namespace nacelle::chat_template
