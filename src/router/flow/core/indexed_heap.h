// indexed_heap.h: a binary heap of pointers whose elements know their place, so that any of them
// can be removed or moved in O(log n).
//
// `Traits` has static bool before(const T&, const T&), a strict total order, and
// static std::uint32_t& position(T&).
//
// Home:    not thread-safe. Elements are not owned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nacelle::router::flow {

template <class T, class Traits>
class IndexedHeap {
 public:
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] T& top() const { return *items_.front(); }
  [[nodiscard]] const std::vector<T*>& items() const { return items_; }  // in no useful order

  void push(T& item) {
    items_.push_back(&item);
    Traits::position(item) = static_cast<std::uint32_t>(items_.size() - 1);
    sift_up(items_.size() - 1);
  }

  void remove(T& item) {
    const std::size_t at = Traits::position(item);
    T* last = items_.back();
    items_.pop_back();
    if (last == &item) return;
    place(at, last);
    restore(at);
  }

  // The item's key changed.
  void update(T& item) { restore(Traits::position(item)); }

  // All keys may have changed. O(n).
  void rebuild() {
    for (std::size_t i = items_.size() / 2; i-- > 0;) sift_down(i);
  }

 private:
  void place(std::size_t at, T* item) {
    items_[at] = item;
    Traits::position(*item) = static_cast<std::uint32_t>(at);
  }

  void restore(std::size_t at) {
    if (!sift_up(at)) sift_down(at);
  }

  bool sift_up(std::size_t at) {
    T* item = items_[at];
    const std::size_t start = at;
    while (at > 0) {
      const std::size_t parent = (at - 1) / 2;
      if (!Traits::before(*item, *items_[parent])) break;
      place(at, items_[parent]);
      at = parent;
    }
    place(at, item);
    return at != start;
  }

  void sift_down(std::size_t at) {
    T* item = items_[at];
    for (;;) {
      std::size_t child = 2 * at + 1;
      if (child >= items_.size()) break;
      if (child + 1 < items_.size() && Traits::before(*items_[child + 1], *items_[child])) ++child;
      if (!Traits::before(*items_[child], *item)) break;
      place(at, items_[child]);
      at = child;
    }
    place(at, item);
  }

  std::vector<T*> items_;
};

}  // namespace nacelle::router::flow
