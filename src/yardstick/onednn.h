// onednn.h: oneDNN's matrix product as a peer, where the machine has the library.
//
// The library is opened at run time and never linked: nothing but `nacelle bench kernels` needs it.
// Weights are packed once into the layout that the library asks for ("any"), as ours are.
//
// Home:    one thread. The library's OpenMP threads are set to the yardstick's number.
// Errors:  not_found when the library is not installed, unimplemented when it is of another major
//          version, was not known to the build, or cannot do a product on this CPU.
// Source:  oneDNN 2.6 C API, matmul and reorder primitives.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace nacelle::yardstick {

// What is multiplied: bf16 x bf16 -> f32, or int8 x int8 -> int32.
enum class PeerFormat { kBF16, kInt8 };

class OneDnn {
 public:
  [[nodiscard]] static Result<std::unique_ptr<OneDnn>> open(std::size_t threads);
  virtual ~OneDnn() = default;

  [[nodiscard]] virtual std::string name() const = 0;  // "oneDNN 2.6.3"

  // out[m, n] = x[m, k] W[k, n] over random values. The call uses `copies` packed weights in turn,
  // so that none stays in a cache. It must not outlive this object.
  [[nodiscard]] virtual Result<std::function<void()>> matmul(PeerFormat format, std::size_t m,
                                                             std::size_t k, std::size_t n,
                                                             std::size_t copies) = 0;
};

}  // namespace nacelle::yardstick
