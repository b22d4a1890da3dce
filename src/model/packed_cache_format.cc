#include "model/packed_cache_format.h"

#include <xxhash.h>

#include <cstring>
#include <unordered_set>

namespace nacelle::model {
namespace {

using Matrix = PackedCacheHeader::Matrix;
using Source = PackedCacheHeader::Source;
using kernels::Isa;
using kernels::Stacking;
using kernels::WeightFormat;

constexpr std::string_view kMagic = "NACPACK1";
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kLengthAt = 12;    // of the header's own size
constexpr std::size_t kChecksumAt = 16;  // of everything behind it
constexpr std::size_t kBodyAt = 24;

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

class Writer {
 public:
  template <class T>
  void put(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void put_bytes(std::string_view bytes) { out_ += bytes; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads until something is missing; then everything reads as zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T get() {
    T value{};
    if (ok_ && bytes_.size() >= sizeof value) {
      std::memcpy(&value, bytes_.data(), sizeof value);
      bytes_ = bytes_.subspan(sizeof value);
    } else {
      ok_ = false;
    }
    return value;
  }
  std::string get_text() {
    const auto length = get<std::uint32_t>();
    if (!ok_ || length > bytes_.size()) {
      ok_ = false;
      return {};
    }
    std::string text(reinterpret_cast<const char*>(bytes_.data()), length);
    bytes_ = bytes_.subspan(length);
    return text;
  }
  // A count of things that take at least `least_bytes` each.
  std::uint32_t get_count(std::size_t least_bytes) {
    const auto count = get<std::uint32_t>();
    if (count > bytes_.size() / least_bytes) ok_ = false;
    return ok_ ? count : 0;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

void put_identity(Writer& out, const FileIdentity& identity) {
  out.put(identity.size);
  out.put(identity.inode);
  out.put(identity.modified_ns);
  out.put(identity.changed_ns);
}

void put_matrix(Writer& out, const Matrix& matrix) {
  out.put_text(matrix.name);
  out.put(std::uint64_t{matrix.description.n});
  out.put(std::uint64_t{matrix.description.k});
  out.put(std::uint64_t{matrix.description.group_size});
  out.put(matrix.offset);
  out.put(matrix.size_bytes);
  out.put(static_cast<std::uint8_t>(matrix.description.dtype));
  out.put(static_cast<std::uint8_t>(matrix.description.format));
  out.put(static_cast<std::uint8_t>(matrix.description.stacking));
  out.put(static_cast<std::uint8_t>(matrix.description.isa));
  out.put(static_cast<std::uint8_t>(matrix.description.has_zeros));
}

// An enumerator of at most `last`; false for other numbers.
template <class Enum>
bool read_enum(Reader& in, Enum last, Enum& out) {
  const auto number = in.get<std::uint8_t>();
  if (number > static_cast<std::uint8_t>(last)) return false;
  out = static_cast<Enum>(number);
  return true;
}

Result<Matrix> read_matrix(Reader& in) {
  Matrix matrix;
  matrix.name = in.get_text();
  matrix.description.n = in.get<std::uint64_t>();
  matrix.description.k = in.get<std::uint64_t>();
  matrix.description.group_size = in.get<std::uint64_t>();
  matrix.offset = in.get<std::uint64_t>();
  matrix.size_bytes = in.get<std::uint64_t>();
  bool known = false;
  const auto dtype = in.get<std::uint8_t>();
  for (const DType candidate : {DType::kF32, DType::kBF16, DType::kF16}) {  // of activations
    if (dtype != static_cast<std::uint8_t>(candidate)) continue;
    matrix.description.dtype = candidate;
    known = true;
  }
  known = read_enum(in, WeightFormat::kInt4, matrix.description.format) && known;
  known = read_enum(in, Stacking::kAlternatingPanels, matrix.description.stacking) && known;
  known = read_enum(in, Isa::kAmxEmulated, matrix.description.isa) && known;
  const auto has_zeros = in.get<std::uint8_t>();
  matrix.description.has_zeros = has_zeros == 1;
  if (!in.ok()) return data_loss("the header ends within a matrix");
  if (!known || has_zeros > 1) {
    return data_loss("matrix {} has a kind that this version does not know",
                     matrix.name.substr(0, 120));
  }
  return matrix;
}

Status check_matrices(const std::vector<Matrix>& matrices, std::uint64_t header_bytes,
                      std::uint64_t file_bytes) {
  std::unordered_set<std::string_view> names;
  std::uint64_t free_from = header_bytes;
  for (const Matrix& matrix : matrices) {
    const std::string_view name = std::string_view(matrix.name).substr(0, 120);
    if (!names.insert(matrix.name).second) return data_loss("matrix {} is listed twice", name);
    if (matrix.offset % PackedCacheHeader::kAlignment != 0 || matrix.offset < free_from ||
        matrix.offset > file_bytes || matrix.size_bytes > file_bytes - matrix.offset) {
      return data_loss("matrix {} at {} of {} bytes overlaps or leaves the {} bytes of the file",
                       name, matrix.offset, matrix.size_bytes, file_bytes);
    }
    free_from = matrix.offset + matrix.size_bytes;
  }
  return {};
}

// The header's bytes behind the checksum, once they are known to be whole.
Result<std::span<const std::byte>> checked_body(std::span<const std::byte> file) {
  if (file.size() < kBodyAt || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0) {
    return data_loss("it is no file of packed weights of this version");
  }
  Reader fixed(file.subspan(kMagic.size(), kBodyAt - kMagic.size()));
  if (fixed.get<std::uint32_t>() != kByteOrder) {
    return data_loss("it was written on a machine of the other byte order");
  }
  const auto header_bytes = fixed.get<std::uint32_t>();
  const auto checksum = fixed.get<std::uint64_t>();
  if (header_bytes < kBodyAt || header_bytes > file.size()) {
    return data_loss("the header claims {} bytes, there are {}", header_bytes, file.size());
  }
  const std::span<const std::byte> body = file.subspan(kBodyAt, header_bytes - kBodyAt);
  if (XXH3_64bits(body.data(), body.size()) != checksum) {
    return data_loss("the checksum of the header is wrong");
  }
  return body;
}

}  // namespace

void PackedCacheHeader::place_matrices() {
  std::uint64_t end = round_up(encode().size(), kHugeAlignment);
  for (Matrix& matrix : matrices) {
    matrix.offset =
        round_up(end, matrix.size_bytes >= kHugeAlignment ? kHugeAlignment : kAlignment);
    end = matrix.offset + matrix.size_bytes;
  }
  file_bytes = round_up(end, kAlignment);  // whole pages can be mapped
}

std::string PackedCacheHeader::encode() const {
  Writer out;
  out.put_bytes(kMagic);
  out.put(kByteOrder);
  out.put(std::uint32_t{0});
  out.put(std::uint64_t{0});
  out.put(file_bytes);
  out.put(recipe);
  out.put(content);
  out.put(static_cast<std::uint32_t>(sources.size()));
  out.put(static_cast<std::uint32_t>(matrices.size()));
  for (const Source& source : sources) {
    out.put_text(source.name);
    put_identity(out, source.identity);
  }
  for (const Matrix& matrix : matrices) put_matrix(out, matrix);
  std::string bytes = out.take();
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data() + kLengthAt, &size, sizeof size);
  const std::uint64_t checksum = XXH3_64bits(bytes.data() + kBodyAt, bytes.size() - kBodyAt);
  std::memcpy(bytes.data() + kChecksumAt, &checksum, sizeof checksum);
  return bytes;
}

Result<PackedCacheHeader> PackedCacheHeader::parse(std::span<const std::byte> file,
                                                   std::uint64_t file_bytes) {
  ASSIGN_OR_RETURN(const std::span<const std::byte> body, checked_body(file));
  Reader in(body);
  PackedCacheHeader header;
  header.file_bytes = in.get<std::uint64_t>();
  header.recipe = in.get<std::uint64_t>();
  header.content = in.get<ContentHash>();
  constexpr std::size_t kLeastBytes = 36;  // of a source; a matrix takes more
  const std::uint32_t num_sources = in.get_count(kLeastBytes);
  const std::uint32_t num_matrices = in.get_count(kLeastBytes);
  for (std::uint32_t i = 0; i < num_sources; ++i) {
    Source source;
    source.name = in.get_text();
    source.identity.size = in.get<std::uint64_t>();
    source.identity.inode = in.get<std::uint64_t>();
    source.identity.modified_ns = in.get<std::int64_t>();
    source.identity.changed_ns = in.get<std::int64_t>();
    header.sources.push_back(std::move(source));
  }
  for (std::uint32_t i = 0; i < num_matrices && in.ok(); ++i) {
    ASSIGN_OR_RETURN(Matrix matrix, read_matrix(in));
    header.matrices.push_back(std::move(matrix));
  }
  if (!in.ok() || !in.at_end()) return data_loss("the header and its counts do not agree");
  if (header.file_bytes != file_bytes) {
    return data_loss("the file has {} bytes, its header says {}", file_bytes, header.file_bytes);
  }
  RETURN_IF_ERROR(check_matrices(header.matrices, kBodyAt + body.size(), file_bytes));
  return header;
}

}  // namespace nacelle::model
