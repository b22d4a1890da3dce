// safetensors_writer.h: puts together safetensors files, right ones and wrong ones, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace nacelle::model::testing {

// The bytes of a file with this JSON header and these data bytes.
[[nodiscard]] inline std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string out;
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(header.size()) >> shift) & 0xff));
  }
  return out.append(header).append(data);
}

// Collects tensors of F32, BF16, ... and lays them out one after the other.
class SafetensorsWriter {
 public:
  void add(std::string_view name, std::string_view dtype, const std::vector<std::size_t>& shape,
           std::string_view data) {
    std::string dims;
    for (const std::size_t extent : shape)
      dims += (dims.empty() ? "" : ",") + std::to_string(extent);
    header_ += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                           header_.empty() ? "" : ",", name, dtype, dims, data_.size(),
                           data_.size() + data.size());
    data_ += data;
  }

  // The data starts `padding` bytes after a multiple of 8: writers pad headers with spaces.
  [[nodiscard]] std::string file(std::size_t padding = 0) const {
    std::string header = "{" + header_ + "}";
    while (header.size() % 8 != padding % 8) header += ' ';
    return safetensors_file(header, data_);
  }

 private:
  std::string header_;
  std::string data_;
};

}  // namespace nacelle::model::testing
