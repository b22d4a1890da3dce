#include "chat_template/value/runtime.h"

#include <vector>

namespace nacelle::chat_template {

Object::~Object() { runtime_->live_bytes_ -= charged_bytes_; }

void Object::dispose() { runtime_->dispose(*this); }

CyclicObject::CyclicObject(Runtime& runtime) : Object(runtime), owner_(&runtime) {
  next_ = owner_->cyclic_;
  if (next_ != nullptr) next_->previous_ = this;
  owner_->cyclic_ = this;
}

CyclicObject::~CyclicObject() {
  (previous_ != nullptr ? previous_->next_ : owner_->cyclic_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

Runtime::Runtime(const RenderLimits& limits)
    : limits_(limits), stack_base_(static_cast<const char*>(__builtin_frame_address(0))) {}

Runtime::~Runtime() {
  // All are kept alive until each is empty; then nothing holds anything.
  std::vector<Ref<CyclicObject>> objects;
  for (CyclicObject* at = cyclic_; at != nullptr; at = at->next_) objects.emplace_back(at);
  for (const auto& object : objects) object->clear();
}

Status Runtime::reserve(std::size_t bytes) const {
  if (bytes <= limits_.max_memory_bytes && live_bytes_ <= limits_.max_memory_bytes - bytes) {
    return {};
  }
  return out_of_range("the chat template needs a value of {} bytes; it may use {} bytes in all",
                      bytes, limits_.max_memory_bytes);
}

Status Runtime::reserve(std::size_t count, std::size_t bytes) const {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) total = SIZE_MAX;
  return reserve(total);
}

Status Runtime::limit_status() const {
  if (steps_used_ > limits_.max_steps) {
    return out_of_range("the chat template did not finish within {} steps", limits_.max_steps);
  }
  return out_of_range("the values of the chat template need {} bytes; {} are allowed", live_bytes_,
                      limits_.max_memory_bytes);
}

void Runtime::dispose(Object& object) {
  object.next_disposed_ = disposed_;
  disposed_ = &object;
  if (disposing_) return;
  disposing_ = true;
  while (disposed_ != nullptr) {
    Object* next = disposed_;
    disposed_ = next->next_disposed_;
    delete next;
  }
  disposing_ = false;
}

}  // namespace nacelle::chat_template
