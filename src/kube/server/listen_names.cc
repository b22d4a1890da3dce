#include "kube/server/listen_names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>

namespace nacelle::kube::server {
namespace {

// "" for what is no address, or one of its link only, which certificates cannot name.
std::string text_of(const sockaddr* address) {
  char out[INET6_ADDRSTRLEN] = "";
  if (address == nullptr) return "";
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &v4->sin_addr, out, sizeof out);
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) return "";
    ::inet_ntop(AF_INET6, &v6->sin6_addr, out, sizeof out);
  }
  return out;
}

}  // namespace

bool is_any_address(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

std::vector<std::string> names_of_listener(const std::string& host) {
  if (!is_any_address(host)) return {host};
  std::vector<std::string> out;
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0') out.emplace_back(name);
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return out;
  for (const ifaddrs* each = interfaces; each != nullptr; each = each->ifa_next) {
    const std::string address = text_of(each->ifa_addr);
    if (!address.empty() && std::find(out.begin(), out.end(), address) == out.end()) {
      out.push_back(address);
    }
  }
  ::freeifaddrs(interfaces);
  return out;
}

}  // namespace nacelle::kube::server
