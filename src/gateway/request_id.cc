#include "gateway/request_id.h"

#include <random>

#include "base/hex.h"

namespace nacelle::gateway {

std::string new_request_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::string id;
  id.reserve(32);
  append_hex(id, random());
  append_hex(id, random());
  return id;
}

}  // namespace nacelle::gateway
