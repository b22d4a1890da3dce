#include "gateway/request_id.h"

#include <random>

#include <fmt/format.h>

namespace nacelle::gateway {

std::string new_request_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

}  // namespace nacelle::gateway
