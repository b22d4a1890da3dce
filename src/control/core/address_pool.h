// address_pool.h: hands out the addresses of one loopback range, each to one owner.
//
// The next free address behind the last one given is taken, so that an address comes back late: who
// still talks to the old owner does not reach the new one. The first and last address of the range
// are not given.
//
// Home:    pure; a value of the node agent (pods) or of the service controller (cluster addresses).
// Errors:  resource_exhausted when every address has an owner; invalid_argument for a range that is
// not
//          127.x.y.z/8 to /30.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace nacelle::control {

class AddressPool {
 public:
  // "127.64.0.0/16"
  [[nodiscard]] static Result<AddressPool> create(std::string_view range);

  // The owner's address; the one it has when it has one.
  [[nodiscard]] Result<std::string> allocate(const std::string& owner);
  // After a restart: the owner has this address. False when it is outside the range or another's.
  bool restore(const std::string& owner, std::string_view address);
  void release(const std::string& owner);

  [[nodiscard]] std::size_t in_use() const { return owners_.size(); }
  [[nodiscard]] const std::string& range() const { return range_; }

 private:
  AddressPool() = default;

  std::string range_;
  std::uint32_t first_ = 0;  // usable ones, both ends included
  std::uint32_t last_ = 0;
  std::uint32_t next_ = 0;
  std::map<std::uint32_t, std::string> taken_;
  std::unordered_map<std::string, std::uint32_t> owners_;
};

// "127.0.0.1" to 0x7f000001 and back; 0 for other text.
[[nodiscard]] std::uint32_t parse_ipv4(std::string_view text);
[[nodiscard]] std::string ipv4_text(std::uint32_t address);

}  // namespace nacelle::control
