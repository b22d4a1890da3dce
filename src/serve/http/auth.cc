#include "serve/http/auth.h"

namespace nacelle::serve {
namespace {

bool needs_key(std::string_view path) {
  return path.starts_with("/v1") || path.starts_with("/v2") || path.starts_with("/inference");
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

bool authorized(const net::http::RequestHead& request, const std::vector<std::string>& keys) {
  if (keys.empty() || request.method == "OPTIONS" || !needs_key(request.path())) return true;
  const std::string_view header = request.headers.get("authorization");
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos) return false;
  if (!net::http::equals_ignore_case(header.substr(0, space), "bearer")) return false;
  const std::string_view given = header.substr(space + 1);
  bool known = false;
  for (const std::string& key : keys) known |= equal_in_constant_time(given, key);
  return known;
}

}  // namespace nacelle::serve
