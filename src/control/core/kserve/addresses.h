// addresses.h: the URLs under which a service can be asked, as its status lists them.
//
// Home:    pure.
// Source:  kserve.md section A13, URL discovery; the port of a Service is part of its URL (A22 row
//          11).
#pragma once

#include <string>
#include <vector>

#include "control/core/kserve/decide.h"

namespace nacelle::control::kserve {

struct Addresses {
  std::string url;  // the preferred one; "" when none is known
  Json list = Json::array();
};

[[nodiscard]] Addresses addresses_of(const Owner& owner, const Observed& observed);

}  // namespace nacelle::control::kserve
