// safetensors.h: one safetensors file: a validated header over a read-only mapping.
//
//   u64le header length | JSON header {name: {dtype, shape, data_offsets: [begin, end]}} | data
//
// Everything in the header is checked against the file before anything is believed: offsets lie
// inside the data, tile it without overlap or hole, and agree with dtype and shape.
//
// Home:    immutable after open(); any thread. drop_pages() may be called from any thread.
// Errors:  data_loss for a file that contradicts itself, invalid_argument for a header that is not
//          the format, out_of_range beyond kMaxHeaderBytes, not_found for a missing file or tensor.
//          Messages name the file, the tensor, the value and the limit.
// Source:  the safetensors format description; engine.md section 28.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace nacelle::model {

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::uint64_t begin = 0;  // bytes from the start of the data
  std::uint64_t end = 0;
};

inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

// Parses the JSON header of a file whose data has `data_bytes` bytes. Tensors come back in the
// order of their offsets. `source` names the file in errors.
[[nodiscard]] Result<std::vector<TensorInfo>> parse_safetensors_header(std::string_view header,
                                                                       std::uint64_t data_bytes,
                                                                       std::string_view source);

class SafetensorsFile {
 public:
  [[nodiscard]] static Result<SafetensorsFile> open(const std::filesystem::path& path);

  // The same checks on a file that is already in memory: the header and the offset of its data.
  struct Layout {
    std::vector<TensorInfo> tensors;
    std::uint64_t data_begin = 0;
  };
  [[nodiscard]] static Result<Layout> read_layout(std::span<const std::byte> file,
                                                  std::string_view source);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const FileIdentity& identity() const { return file_.identity(); }
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const { return layout_.tensors; }
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;  // nullptr when absent

  // The bytes of a tensor of this file; may be unaligned for its element type.
  [[nodiscard]] std::span<const std::byte> bytes(const TensorInfo& tensor) const;

  // Asks the kernel to read the tensor's pages now.
  void prefetch(const TensorInfo& tensor) const;
  // Tells the kernel that these bytes were used for the last time; they stay valid.
  void drop_pages(const TensorInfo& tensor) const;

 private:
  SafetensorsFile(std::filesystem::path path, MappedFile file, Layout layout);

  std::filesystem::path path_;
  MappedFile file_;
  Layout layout_;
  std::map<std::string_view, std::size_t>
      by_name_;  // into layout_.tensors, whose strings never move
};

}  // namespace nacelle::model
