#include "epp/body_wire.h"

#include <cstddef>

#include "net/grpc/framing.h"

namespace nacelle::epp {
namespace {

constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

constexpr std::uint32_t tag(std::uint32_t field, std::uint32_t type) { return field << 3 | type; }

// One field after another; `ok` is false after bytes that are no fields.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool next() {
    if (rest_.empty() || !ok_) return false;
    std::uint64_t value = 0;
    if (!varint(value) || value > UINT32_MAX) return fail();
    tag_ = static_cast<std::uint32_t>(value);
    switch (tag_ & 7) {
      case kVarint:
        return varint(number_) || fail();
      case kFixed64:
        return take(8) || fail();
      case kBytes:
        return (varint(value) && take(value)) || fail();
      case kFixed32:
        return take(4) || fail();
      default:
        return fail();
    }
  }
  [[nodiscard]] std::uint32_t tag() const { return tag_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  bool fail() {
    ok_ = false;
    return false;
  }
  bool varint(std::uint64_t& out) {
    out = 0;
    for (std::uint32_t shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool take(std::uint64_t size) {
    if (size > rest_.size()) return false;
    bytes_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_, bytes_;
  std::uint64_t number_ = 0;
  std::uint32_t tag_ = 0;
  bool ok_ = true;
};

std::optional<BodyPiece> body_in(std::string_view bytes) {
  BodyPiece out;
  Fields fields(bytes);
  while (fields.next()) {
    if (fields.tag() == tag(1, kBytes)) out.body = fields.bytes();
    if (fields.tag() == tag(2, kVarint)) out.end_of_stream = fields.number() != 0;
  }
  if (!fields.ok()) return std::nullopt;
  return out;
}

std::size_t varint_size(std::size_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

// The tag of a field of bytes and its size: at most kMaxHeadBytes.
constexpr std::size_t kMaxHeadBytes = 11;

char* write_head(char* at, std::uint32_t field, std::size_t size) {
  *at++ = static_cast<char>(tag(field, kBytes));
  for (; size >= 0x80; size >>= 7) *at++ = static_cast<char>(size | 0x80);
  *at++ = static_cast<char>(size);
  return at;
}

}  // namespace

std::optional<BodyPiece> response_body_in(std::string_view message) {
  constexpr std::uint32_t kFirstOfOneof = 2, kLastOfOneof = 7, kResponseBody = 5;
  std::optional<BodyPiece> out;
  Fields fields(message);
  while (fields.next()) {
    const std::uint32_t field = fields.tag() >> 3;
    if (field < kFirstOfOneof || field > kLastOfOneof) continue;
    if (fields.tag() != tag(kResponseBody, kBytes) || out) return std::nullopt;
    out = body_in(fields.bytes());
    if (!out) return std::nullopt;
  }
  return fields.ok() ? out : std::nullopt;
}

void append_body_reply(Half half, std::string_view piece, bool end_of_stream, std::string& out) {
  // ProcessingResponse > BodyResponse > CommonResponse > BodyMutation > StreamedBodyResponse.
  const std::uint32_t fields[] = {half == Half::kRequest ? 3u : 4u, 1, 3, 3};
  std::size_t sizes[4];
  std::size_t size = end_of_stream ? 2 : 0;
  if (!piece.empty()) size += 1 + varint_size(piece.size()) + piece.size();
  for (int i = 3; i >= 0; --i) {
    sizes[i] = size;
    size += 1 + varint_size(size);
  }
  char head[net::grpc::kPrefixBytes + 5 * kMaxHeadBytes];
  net::grpc::write_prefix(head, size);
  char* at = head + net::grpc::kPrefixBytes;
  for (int i = 0; i < 4; ++i) at = write_head(at, fields[i], sizes[i]);
  if (!piece.empty()) at = write_head(at, 1, piece.size());
  out.append(head, static_cast<std::size_t>(at - head));
  out.append(piece);
  if (end_of_stream) out.append({static_cast<char>(tag(2, kVarint)), 1});
}

}  // namespace nacelle::epp
