// selection.h: the largest elements of a row without sorting it.
//
// Home:    one thread; the object keeps its buffers.
// Order:   "largest" means (value descending, token ascending), so that ties have one answer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nacelle::engine {

struct Candidate {
  std::uint32_t token = 0;
  float value = 0;  // a logit or a weight, as the caller means it
};

[[nodiscard]] inline bool comes_before(const Candidate& a, const Candidate& b) {
  return a.value != b.value ? a.value > b.value : a.token < b.token;
}

class Selector {
 public:
  // Room for rows of this size, so that no call below allocates; pages are touched when used.
  void reserve(std::size_t row_size);

  // The k-th largest value of the row; -inf when fewer than k elements are above -inf. k >= 1.
  // One pass that skips whatever cannot be among the k largest: O(size) expected.
  [[nodiscard]] float kth_largest(std::span<const float> row, std::size_t k);

  // Replaces `out` with all elements >= value, by token.
  void at_least(std::span<const float> row, float value, std::vector<Candidate>& out);

  // Replaces `out` with the k largest in order; ties at the end are cut by token.
  void largest(std::span<const float> row, std::size_t k, std::vector<Candidate>& out);

  // Candidates are weights in [0, 1]. Keeps the largest whose predecessors weigh less than `target`
  // together: the smallest set that reaches it. At least one stays, if there was one; the order of
  // what stays is unspecified. O(size).
  void keep_nucleus(std::vector<Candidate>& candidates, double target);

 private:
  double keep_above_border(std::vector<Candidate>& candidates, double target);

  std::vector<std::uint32_t> indices_;
  std::vector<float> values_;
  std::vector<double> mass_;  // by leading bits of the weight
  std::vector<Candidate> on_border_;
};

}  // namespace nacelle::engine
