#include "net/grpc/framing.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace nacelle::net::grpc {

void write_prefix(char* at, std::size_t size) {
  at[0] = 0;  // not compressed
  for (int i = 0; i < 4; ++i) at[1 + i] = static_cast<char>(size >> (24 - 8 * i) & 0xFF);
}

void append_framed(std::string_view message, std::string& to) {
  char prefix[kPrefixBytes];
  write_prefix(prefix, message.size());
  to.append(prefix, kPrefixBytes).append(message);
}

Result<std::optional<std::string_view>> MessageReader::next(std::string_view& input) {
  if (std::exchange(put_back_, false)) return std::optional<std::string_view>(collected_);
  if (have_prefix_ == 0) collected_.clear();
  if (have_prefix_ < kPrefixBytes) {
    const std::size_t part = std::min(kPrefixBytes - have_prefix_, input.size());
    if (part > 0) std::memcpy(prefix_ + have_prefix_, input.data(), part);
    have_prefix_ += part;
    input.remove_prefix(part);
    if (have_prefix_ < kPrefixBytes) return std::optional<std::string_view>();
    size_ = 0;
    for (int i = 1; i < 5; ++i) size_ = size_ << 8 | static_cast<unsigned char>(prefix_[i]);
  }
  if (prefix_[0] == 1) return unimplemented("compressed messages are not supported");
  if (prefix_[0] != 0) return invalid_argument("the message flag is {}", int{prefix_[0]});
  if (size_ > max_bytes_) {
    return out_of_range("a message has {} bytes, the limit is {}", size_, max_bytes_);
  }
  const std::size_t part = std::min(size_ - collected_.size(), input.size());
  const std::string_view piece = input.substr(0, part);
  input.remove_prefix(part);
  if (collected_.empty() && part == size_) {
    have_prefix_ = 0;
    return std::optional<std::string_view>(piece);
  }
  collected_.append(piece);
  if (collected_.size() < size_) return std::optional<std::string_view>();
  have_prefix_ = 0;
  return std::optional<std::string_view>(collected_);
}

void MessageReader::put_back(std::string_view message) {
  if (message.data() != collected_.data()) collected_.assign(message);
  put_back_ = true;
}

Status MessageReader::finish() const {
  if (have_prefix_ == 0) return {};
  return data_loss("the stream ended within a message");
}

}  // namespace nacelle::net::grpc
