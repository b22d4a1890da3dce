#include "control/core/address_pool.h"

#include <charconv>

namespace nacelle::control {

std::uint32_t parse_ipv4(std::string_view text) {
  std::uint32_t out = 0;
  for (int part = 0; part < 4; ++part) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || value > 255 || used > 3) return 0;
    out = out << 8 | value;
    text.remove_prefix(used);
    if (part == 3) break;
    if (!text.starts_with('.')) return 0;
    text.remove_prefix(1);
  }
  return text.empty() ? out : 0;
}

std::string ipv4_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                     address & 255);
}

Result<AddressPool> AddressPool::create(std::string_view range) {
  const Status error =
      invalid_argument("'{}' is not a loopback range such as 127.64.0.0/16", range.substr(0, 40));
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos) return error;
  const std::uint32_t base = parse_ipv4(range.substr(0, slash));
  const std::string_view length = range.substr(slash + 1);
  std::uint32_t bits = 0;
  const auto [end, bad] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (bad != std::errc() || end != length.data() + length.size() || bits < 8 || bits > 30 ||
      base >> 24 != 127) {
    return error;
  }
  const std::uint32_t size = std::uint32_t{1} << (32 - bits);
  AddressPool out;
  out.range_ = range;
  out.first_ = (base & ~(size - 1)) + 1;
  out.last_ = out.first_ + size - 3;
  out.next_ = out.first_;
  return out;
}

Result<std::string> AddressPool::allocate(const std::string& owner) {
  if (const auto has = owners_.find(owner); has != owners_.end()) return ipv4_text(has->second);
  const std::uint32_t size = last_ - first_ + 1;
  if (owners_.size() >= size) {
    return resource_exhausted("all {} addresses of {} are in use", size, range_);
  }
  while (taken_.contains(next_)) next_ = next_ == last_ ? first_ : next_ + 1;
  const std::uint32_t address = next_;
  next_ = address == last_ ? first_ : address + 1;
  taken_[address] = owner;
  owners_[owner] = address;
  return ipv4_text(address);
}

bool AddressPool::restore(const std::string& owner, std::string_view address) {
  const std::uint32_t value = parse_ipv4(address);
  if (value < first_ || value > last_) return false;
  if (const auto other = taken_.find(value); other != taken_.end()) return other->second == owner;
  if (owners_.contains(owner)) return false;
  taken_[value] = owner;
  owners_[owner] = value;
  next_ = value == last_ ? first_ : value + 1;
  return true;
}

void AddressPool::release(const std::string& owner) {
  const auto found = owners_.find(owner);
  if (found == owners_.end()) return;
  taken_.erase(found->second);
  owners_.erase(found);
}

}  // namespace nacelle::control
