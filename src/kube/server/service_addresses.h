// service_addresses.h: the cluster addresses of Services.
//
// Home:    any thread.
// Errors:  create(): invalid_argument for a text that is no range of IPv4 addresses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::kube::server {

class ServiceAddresses {
 public:
  // "127.96.0.0/16"; /8 to /28.
  [[nodiscard]] static Result<std::unique_ptr<ServiceAddresses>> create(const std::string& range);

  // A free one; "" when all are taken. Two that ask at once get different ones.
  [[nodiscard]] std::string next(const std::set<std::string, std::less<>>& taken);
  // A loopback address that is not of the range: what a server of another range gave.
  [[nodiscard]] bool is_foreign(const std::string& address) const;

 private:
  ServiceAddresses(std::uint32_t first, std::uint32_t size) : first_(first), size_(size) {}

  const std::uint32_t first_;
  const std::uint32_t size_;
  std::atomic<std::uint32_t> next_{1};
};

}  // namespace nacelle::kube::server
