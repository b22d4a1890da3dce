#include "model/safetensors.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <simdjson.h>

namespace nacelle::model {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kShownNameBytes = 120;

// A name for messages; hostile files may have very long ones.
std::string_view shown(std::string_view name) { return name.substr(0, kShownNameBytes); }

Result<DType> read_dtype(const dom::element& value, std::string_view name,
                         std::string_view source) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    return invalid_argument("{}: tensor {}: dtype is not a string", source, name);
  }
  Result<DType> dtype = parse_safetensors_dtype(shown(text));
  if (!dtype) return dtype.error().with_context(fmt::format("{}: tensor {}", source, name));
  return dtype;
}

Result<Shape> read_shape(const dom::element& value, std::string_view name,
                         std::string_view source) {
  dom::array items;
  if (value.get(items) != simdjson::SUCCESS) {
    return invalid_argument("{}: tensor {}: shape is not a list", source, name);
  }
  std::vector<std::size_t> dims;
  for (const dom::element item : items) {
    std::uint64_t extent = 0;
    if (item.get(extent) != simdjson::SUCCESS) {
      return invalid_argument("{}: tensor {}: shape has an extent that is not a whole number >= 0",
                              source, name);
    }
    if (dims.size() == Shape::kMaxDims) {
      return invalid_argument("{}: tensor {}: shape has more than {} dimensions", source, name,
                              Shape::kMaxDims);
    }
    dims.push_back(extent);
  }
  Result<Shape> shape = Shape::make(dims);
  if (!shape) return shape.error().with_context(fmt::format("{}: tensor {}", source, name));
  return shape;
}

Status read_offsets(const dom::element& value, std::string_view source, TensorInfo& tensor) {
  dom::array pair;
  bool good = value.get(pair) == simdjson::SUCCESS && pair.size() == 2;
  if (good) {
    good = pair.at(0).get(tensor.begin) == simdjson::SUCCESS &&
           pair.at(1).get(tensor.end) == simdjson::SUCCESS;
  }
  if (!good) {
    return invalid_argument("{}: tensor {}: data_offsets is not two whole numbers >= 0", source,
                            shown(tensor.name));
  }
  return {};
}

Result<TensorInfo> read_entry(std::string_view name, const dom::element& value,
                              std::string_view source) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) {
    return invalid_argument("{}: tensor {}: the entry is not an object", source, shown(name));
  }
  TensorInfo tensor;
  tensor.name = name;
  bool has_dtype = false, has_shape = false, has_offsets = false;
  for (const dom::key_value_pair field : fields) {
    const auto first = [&](bool& seen, std::string_view key) {
      return field.key != key ? Status()
             : std::exchange(seen, true)
                 ? data_loss("{}: tensor {}: {} is given twice", source, shown(name), key)
                 : Status();
    };
    RETURN_IF_ERROR(first(has_dtype, "dtype"));
    RETURN_IF_ERROR(first(has_shape, "shape"));
    RETURN_IF_ERROR(first(has_offsets, "data_offsets"));
    if (field.key == "dtype") {
      ASSIGN_OR_RETURN(tensor.dtype, read_dtype(field.value, shown(name), source));
    } else if (field.key == "shape") {
      ASSIGN_OR_RETURN(tensor.shape, read_shape(field.value, shown(name), source));
    } else if (field.key == "data_offsets") {
      RETURN_IF_ERROR(read_offsets(field.value, source, tensor));
    }  // other fields mean nothing to this version of the format
  }
  if (!has_dtype || !has_shape || !has_offsets) {
    return invalid_argument("{}: tensor {}: {} is missing", source, shown(name),
                            !has_dtype   ? "dtype"
                            : !has_shape ? "shape"
                                         : "data_offsets");
  }
  return tensor;
}

// Offsets against the data, dtype and shape of one tensor.
Status check_entry(const TensorInfo& tensor, std::uint64_t data_bytes, std::string_view source) {
  if (tensor.begin > tensor.end || tensor.end > data_bytes) {
    return data_loss("{}: tensor {}: data_offsets [{}, {}] are not inside the {} bytes of data",
                     source, shown(tensor.name), tensor.begin, tensor.end, data_bytes);
  }
  // num_elements() is below 2^63; a product beyond 2^64 must not wrap to a small number.
  const unsigned __int128 needed =
      static_cast<unsigned __int128>(tensor.shape.num_elements()) * size_of(tensor.dtype);
  if (needed != tensor.end - tensor.begin) {
    return data_loss(
        "{}: tensor {}: {} of shape {} does not take the {} bytes of data_offsets [{}, {}]", source,
        shown(tensor.name), safetensors_name(tensor.dtype), tensor.shape.to_string(),
        tensor.end - tensor.begin, tensor.begin, tensor.end);
  }
  return {};
}

// Sorted tensors must tile [0, data_bytes).
Status check_tiling(const std::vector<TensorInfo>& tensors, std::uint64_t data_bytes,
                    std::string_view source) {
  std::uint64_t covered = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = tensors[i];
    if (tensor.begin < covered) {
      return data_loss("{}: tensor {} at [{}, {}] overlaps tensor {} at [{}, {}]", source,
                       shown(tensor.name), tensor.begin, tensor.end, shown(tensors[i - 1].name),
                       tensors[i - 1].begin, tensors[i - 1].end);
    }
    if (tensor.begin > covered) {
      return data_loss("{}: bytes [{}, {}] before tensor {} belong to no tensor", source, covered,
                       tensor.begin, shown(tensor.name));
    }
    covered = tensor.end;
  }
  if (covered != data_bytes) {
    return data_loss("{}: tensors take {} bytes, the file has {} bytes of data", source, covered,
                     data_bytes);
  }
  return {};
}

Status check_metadata(const dom::element& value, std::string_view source) {
  dom::object fields;
  bool good = value.get(fields) == simdjson::SUCCESS;
  if (good) {
    for (const dom::key_value_pair field : fields) good = good && field.value.is_string();
  }
  if (!good) return invalid_argument("{}: __metadata__ is not an object of strings", source);
  return {};
}

}  // namespace

Result<std::vector<TensorInfo>> parse_safetensors_header(std::string_view header,
                                                         std::uint64_t data_bytes,
                                                         std::string_view source) {
  dom::parser parser;
  dom::element root;
  // The parser reads beyond the end of its input and needs its own padded copy.
  const simdjson::padded_string text(header);
  if (const auto error = parser.parse(text).get(root); error != simdjson::SUCCESS) {
    return invalid_argument("{}: the header of {} bytes is not valid JSON: {}", source,
                            header.size(), simdjson::error_message(error));
  }
  dom::object entries;
  if (root.get(entries) != simdjson::SUCCESS) {
    return invalid_argument("{}: the header is not a JSON object", source);
  }
  std::vector<TensorInfo> tensors;
  std::unordered_set<std::string_view> names;
  bool has_metadata = false;
  for (const dom::key_value_pair entry : entries) {
    if (entry.key == "__metadata__") {
      if (std::exchange(has_metadata, true)) {
        return invalid_argument("{}: __metadata__ is given twice", source);
      }
      RETURN_IF_ERROR(check_metadata(entry.value, source));
      continue;
    }
    if (!names.insert(entry.key).second) {
      return data_loss("{}: tensor {} is listed twice", source, shown(entry.key));
    }
    ASSIGN_OR_RETURN(TensorInfo tensor, read_entry(entry.key, entry.value, source));
    RETURN_IF_ERROR(check_entry(tensor, data_bytes, source));
    tensors.push_back(std::move(tensor));
  }
  // Empty tensors share an offset with their neighbour and come first.
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  RETURN_IF_ERROR(check_tiling(tensors, data_bytes, source));
  return tensors;
}

Result<SafetensorsFile::Layout> SafetensorsFile::read_layout(std::span<const std::byte> file,
                                                             std::string_view source) {
  if (file.size() < kLengthBytes) {
    return data_loss("{}: {} bytes are too short for a safetensors file, at least {} expected",
                     source, file.size(), kLengthBytes + 2);
  }
  std::uint64_t header_bytes = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    header_bytes |= static_cast<std::uint64_t>(file[i]) << (8 * i);
  }
  if (header_bytes > kMaxHeaderBytes) {
    return out_of_range("{}: the header claims {} bytes, accepted: at most {}", source,
                        header_bytes, kMaxHeaderBytes);
  }
  if (header_bytes > file.size() - kLengthBytes) {
    return data_loss("{}: the header claims {} bytes, only {} follow: the file is truncated",
                     source, header_bytes, file.size() - kLengthBytes);
  }
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + kLengthBytes,
                                header_bytes);
  const std::uint64_t data_begin = kLengthBytes + header_bytes;
  Layout layout;
  layout.data_begin = data_begin;
  ASSIGN_OR_RETURN(layout.tensors,
                   parse_safetensors_header(header, file.size() - data_begin, source));
  return layout;
}

SafetensorsFile::SafetensorsFile(std::filesystem::path path, MappedFile file, Layout layout)
    : path_(std::move(path)), file_(std::move(file)), layout_(std::move(layout)) {
  for (std::size_t i = 0; i < layout_.tensors.size(); ++i) by_name_[layout_.tensors[i].name] = i;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::open(path));
  ASSIGN_OR_RETURN(Layout layout, read_layout(file.bytes(), path.string()));
  return SafetensorsFile(path, std::move(file), std::move(layout));
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &layout_.tensors[found->second];
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorInfo& tensor) const {
  return file_.bytes().subspan(layout_.data_begin + tensor.begin, tensor.end - tensor.begin);
}

namespace {

// Whole pages: `outward` widens the range to page borders, otherwise it shrinks.
void advise(std::span<const std::byte> bytes, int advice, bool outward) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t last = first + bytes.size();
  const std::uintptr_t begin = (outward ? first : first + page - 1) / page * page;
  const std::uintptr_t end = (outward ? last + page - 1 : last) / page * page;
  if (begin >= end) return;
  // Advice only: the answer changes speed, never content.
  (void)::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void SafetensorsFile::prefetch(const TensorInfo& tensor) const {
  advise(bytes(tensor), MADV_WILLNEED, true);
}

void SafetensorsFile::drop_pages(const TensorInfo& tensor) const {
  advise(bytes(tensor), MADV_DONTNEED, false);
}

}  // namespace nacelle::model
