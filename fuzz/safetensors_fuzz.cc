// safetensors_fuzz.cc: any bytes as a safetensors file end in a layout that fits or in a Status.
//
// A mutated length prefix rarely agrees with its header, so the header up to the last brace is also
// parsed on its own, with the bytes behind it as data.

// links: model kernels tensor base
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "model/safetensors.h"

namespace {

using nacelle::model::TensorInfo;

constexpr std::size_t kLengthBytes = 8;

// Tensors tile the data exactly, each with the bytes that its dtype and shape take.
void check_tiling(const std::vector<TensorInfo>& tensors, std::uint64_t data_bytes) {
  std::uint64_t covered = 0;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.begin != covered || tensor.end < tensor.begin) std::abort();
    const std::uint64_t needed = tensor.shape.num_elements() * nacelle::size_of(tensor.dtype);
    if (tensor.end - tensor.begin != needed) std::abort();
    covered = tensor.end;
  }
  if (covered != data_bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  const auto layout = nacelle::model::SafetensorsFile::read_layout(file, "fuzz.safetensors");
  if (layout.ok()) {
    check_tiling(layout->tensors, size - layout->data_begin);
  } else if (layout.error().message().empty()) {
    std::abort();
  }

  if (size < kLengthBytes) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + kLengthBytes,
                              size - kLengthBytes);
  const std::string_view header = rest.substr(0, rest.rfind('}') + 1);
  const std::uint64_t data_bytes = rest.size() - header.size();
  const auto tensors = nacelle::model::parse_safetensors_header(header, data_bytes, "fuzz");
  if (tensors.ok()) check_tiling(*tensors, data_bytes);
  return 0;
}
