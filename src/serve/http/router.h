// router.h: which function answers a path and a method.
//
// Home:    immutable; any thread.
// Source:  engine.md section 5.
#pragma once

#include <string_view>

#include "serve/endpoints/endpoints.h"

namespace nacelle::serve {

struct Route {
  std::string_view path;
  std::string_view methods;  // "GET" or "GET, POST"
  Endpoint endpoint;
};

struct RouteMatch {
  const Route* route = nullptr;  // nullptr: no such path
  bool method_allowed = false;
};

[[nodiscard]] RouteMatch find_route(std::string_view path, std::string_view method);

}  // namespace nacelle::serve
