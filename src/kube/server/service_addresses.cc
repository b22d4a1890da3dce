#include "kube/server/service_addresses.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace nacelle::kube::server {
namespace {

std::optional<std::uint32_t> parse(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string text_of(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                     address & 255);
}

}  // namespace

Result<std::unique_ptr<ServiceAddresses>> ServiceAddresses::create(const std::string& range) {
  const std::size_t slash = range.find('/');
  const auto base = parse(range.substr(0, slash));
  unsigned bits = 0;
  if (slash != std::string::npos) {
    std::from_chars(range.data() + slash + 1, range.data() + range.size(), bits);
  }
  if (!base || bits < 8 || bits > 28) {
    return invalid_argument("the range of Services \"{}\" is none such as 127.96.0.0/16",
                            range.substr(0, 40));
  }
  const std::uint32_t size = std::uint32_t{1} << (32 - bits);
  return std::unique_ptr<ServiceAddresses>(new ServiceAddresses(*base & ~(size - 1), size));
}

std::string ServiceAddresses::next(const std::set<std::string, std::less<>>& taken) {
  for (std::uint32_t tries = 0; tries < size_; ++tries) {
    const std::uint32_t address = first_ + next_++ % size_;
    // What looks like a network or a broadcast address is left out.
    if ((address & 255) == 0 || (address & 255) == 255) continue;
    std::string out = text_of(address);
    if (!taken.contains(out)) return out;
  }
  return {};
}

bool ServiceAddresses::is_foreign(const std::string& address) const {
  const auto number = parse(address);
  return number && *number >> 24 == 127 && *number - first_ >= size_;
}

}  // namespace nacelle::kube::server
