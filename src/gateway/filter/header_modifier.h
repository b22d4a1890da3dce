// header_modifier.h: RequestHeaderModifier and ResponseHeaderModifier.
//
// Home:    immutable; any thread.
// Source:  gateway.md section 1.6: remove, then set, then add (section 7.2: remove before set).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/http/headers.h"

namespace nacelle::gateway {

struct HeaderModifier {
  std::vector<std::pair<std::string, std::string>> set;  // one value in the place of all
  std::vector<std::pair<std::string, std::string>> add;  // one more
  std::vector<std::string> remove;

  void apply(net::http::Headers& headers) const {
    for (const std::string& name : remove) headers.remove(name);
    for (const auto& [name, value] : set) headers.set(name, value);
    for (const auto& [name, value] : add) headers.add(name, value);
  }
};

}  // namespace nacelle::gateway
