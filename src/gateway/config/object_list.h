// object_list.h: a list of objects that costs a pointer each to copy.
//
// A model of thousands of objects is made again for each change of one: what was read once is
// shared by the lists of all models after it.
//
// Home:    a value; its objects never change.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace nacelle::gateway {

template <class T>
class ObjectList {
 public:
  using Shared = std::shared_ptr<const T>;

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(const Shared* at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Shared* at_ = nullptr;
  };

  void push_back(T object) { items_.push_back(std::make_shared<const T>(std::move(object))); }
  void push_back(Shared object) { items_.push_back(std::move(object)); }
  void append(const ObjectList& more) {
    items_.insert(items_.end(), more.items_.begin(), more.items_.end());
  }

  [[nodiscard]] Iterator begin() const { return Iterator(items_.data()); }
  [[nodiscard]] Iterator end() const { return Iterator(items_.data() + items_.size()); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }

 private:
  std::vector<Shared> items_;
};

}  // namespace nacelle::gateway
