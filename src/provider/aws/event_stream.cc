#include "provider/aws/event_stream.h"

#include <array>

#include "base/check.h"

namespace nacelle::provider::aws {

namespace {

constexpr std::size_t kPreludeBytes = 12;
constexpr std::size_t kOverheadBytes = 16;  // prelude and message CRC
constexpr std::uint8_t kStringType = 7;

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}();

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

// Takes headers off the front of a view that was bounded before.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view bytes) : bytes_(bytes) {}

  Status read(Message& out) {
    while (!bytes_.empty()) {
      std::string_view name;
      if (!take(byte(), name) || bytes_.empty()) return bad();
      const std::uint8_t type = byte();
      std::string_view value;
      if (!take_value(type, value)) return bad();
      if (type == kStringType) out.headers.emplace_back(name, value);
    }
    return {};
  }

 private:
  static Status bad() { return data_loss("an event stream frame has malformed headers"); }

  std::uint8_t byte() {
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }

  bool take(std::size_t size, std::string_view& out) {
    if (bytes_.size() < size) return false;
    out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }

  // Types: 0 true, 1 false, 2 byte, 3 short, 4 int, 5 long, 6 bytes, 7 string, 8 time, 9 uuid.
  bool take_value(std::uint8_t type, std::string_view& out) {
    constexpr std::array<std::size_t, 10> kSizes{0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
    if (type >= kSizes.size()) return false;
    if (type != 6 && type != kStringType) return take(kSizes[type], out);
    if (bytes_.size() < 2) return false;
    const std::size_t high = byte();
    return take(high << 8 | byte(), out);
  }

  std::string_view bytes_;
};

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc = kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF] ^ (crc >> 8);
  }
  return crc ^ 0xFFFFFFFFu;
}

std::string_view Message::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return {};
}

void EventStreamDecoder::feed(std::string_view bytes) {
  if (!status_.ok()) return;
  buffer_.erase(0, pos_);
  pos_ = 0;
  buffer_.append(bytes);
}

Status EventStreamDecoder::check_prelude(std::string_view prelude) {
  const std::size_t total = read_u32(prelude, 0);
  const std::size_t headers = read_u32(prelude, 4);
  if (crc32(prelude.substr(0, 8)) != read_u32(prelude, 8)) {
    return data_loss("an event stream frame has a wrong prelude checksum");
  }
  if (total > max_message_bytes_) {
    return out_of_range("an event stream frame has {} bytes, the limit is {}", total,
                        max_message_bytes_);
  }
  if (total < kOverheadBytes || headers > total - kOverheadBytes) {
    return data_loss("an event stream frame of {} bytes cannot hold {} bytes of headers", total,
                     headers);
  }
  return {};
}

std::optional<Message> EventStreamDecoder::next() {
  if (!status_.ok()) return std::nullopt;
  const std::string_view rest = std::string_view(buffer_).substr(pos_);
  if (rest.size() < kPreludeBytes) return std::nullopt;
  status_ = check_prelude(rest.substr(0, kPreludeBytes));
  if (!status_.ok()) return std::nullopt;
  const std::size_t total = read_u32(rest, 0);
  const std::size_t header_bytes = read_u32(rest, 4);
  if (rest.size() < total) return std::nullopt;
  if (crc32(rest.substr(0, total - 4)) != read_u32(rest, total - 4)) {
    status_ = data_loss("an event stream frame has a wrong checksum");
    return std::nullopt;
  }
  Message message;
  status_ = HeaderReader(rest.substr(kPreludeBytes, header_bytes)).read(message);
  if (!status_.ok()) return std::nullopt;
  message.payload =
      rest.substr(kPreludeBytes + header_bytes, total - kOverheadBytes - header_bytes);
  pos_ += total;
  return message;
}

std::string encode_message(const std::vector<std::pair<std::string, std::string>>& headers,
                           std::string_view payload) {
  std::string block;
  for (const auto& [name, value] : headers) {
    CHECK(name.size() < 256 && value.size() < 65536);
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(kStringType);
    block += static_cast<char>(value.size() >> 8);
    block += static_cast<char>(value.size() & 0xFF);
    block += value;
  }
  std::string out;
  append_u32(out, static_cast<std::uint32_t>(kOverheadBytes + block.size() + payload.size()));
  append_u32(out, static_cast<std::uint32_t>(block.size()));
  append_u32(out, crc32(out));
  out += block;
  out += payload;
  append_u32(out, crc32(out));
  return out;
}

}  // namespace nacelle::provider::aws
