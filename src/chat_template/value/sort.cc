#include "chat_template/value/sort.h"

#include <numeric>

#include "chat_template/value/compare.h"

namespace nacelle::chat_template {
namespace {

// Bottom-up merge sort: std::stable_sort may misbehave when a comparison contradicts itself, which
// a failing one (or a NaN) does.
Status merge_sort(Runtime& runtime, const std::vector<Value>& keys, bool reverse,
                  std::vector<std::size_t>& order) {
  std::vector<std::size_t> other(order.size());
  for (std::size_t width = 1; width < order.size(); width *= 2) {
    for (std::size_t begin = 0; begin < order.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, order.size());
      const std::size_t end = std::min(begin + 2 * width, order.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t to = begin; to < end; ++to) {
        bool take_right = left == middle;
        if (left < middle && right < end) {
          const Value& a = keys[order[left]];
          const Value& b = keys[order[right]];
          ASSIGN_OR_RETURN(take_right,
                           reverse ? value_less(runtime, a, b) : value_less(runtime, b, a));
        }
        other[to] = take_right ? order[right++] : order[left++];
      }
    }
    order.swap(other);
  }
  return {};
}

}  // namespace

Result<std::vector<std::size_t>> sorted_order(Runtime& runtime, const std::vector<Value>& keys,
                                              bool reverse) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  RETURN_IF_ERROR(merge_sort(runtime, keys, reverse, order));
  return order;
}

Status sort_entries(Runtime& runtime, std::vector<const DictObject::Entry*>& entries) {
  std::vector<Value> keys;
  for (const auto* entry : entries) keys.push_back(entry->key);
  ASSIGN_OR_RETURN(const auto order, sorted_order(runtime, keys, false));
  std::vector<const DictObject::Entry*> sorted;
  for (const std::size_t i : order) sorted.push_back(entries[i]);
  entries.swap(sorted);
  return {};
}

}  // namespace nacelle::chat_template
