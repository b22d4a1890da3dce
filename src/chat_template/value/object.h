// object.h: reference-counted storage behind the larger template values.
//
// Home: one rendering on one thread. Counts are plain integers, so nothing here may be shared
// between two renderings; a ChatTemplate holds only its syntax tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace nacelle::chat_template {

class Runtime;

class Object {
 public:
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) dispose();
  }
  [[nodiscard]] bool is_shared() const { return references_ > 1; }

 protected:
  explicit Object(Runtime& runtime) : runtime_(&runtime) {}
  virtual ~Object();

 private:
  friend class Runtime;
  void dispose();

  Runtime* runtime_;
  Object* next_disposed_ = nullptr;
  std::size_t charged_bytes_ = 0;
  std::uint32_t references_ = 0;
};

// An object that may hold itself through others (a namespace, a scope). The runtime keeps a list of
// these and empties them when the rendering ends, which breaks every cycle.
class CyclicObject : public Object {
 public:
  virtual void clear() = 0;

 protected:
  explicit CyclicObject(Runtime& runtime);
  ~CyclicObject() override;

 private:
  friend class Runtime;
  Runtime* owner_;
  CyclicObject* previous_ = nullptr;
  CyclicObject* next_ = nullptr;
};

// An owning pointer to an Object.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}  // NOLINT: like a raw pointer
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  [[nodiscard]] T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace nacelle::chat_template
