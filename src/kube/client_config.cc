#include "kube/client_config.h"

#include <charconv>

#include "base/file.h"

namespace nacelle::kube {

Status set_server(std::string_view url, ClientConfig& config) {
  config.server = url;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    config.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    config.tls = false;
    rest.remove_prefix(7);
  } else {
    return invalid_argument("server '{}' begins with neither https:// nor http://",
                            url.substr(0, 200));
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  ASSIGN_OR_RETURN(config.address,
                   net::parse_host_port(rest.substr(0, slash), config.tls ? 443 : 80));
  if (config.address.host.empty()) {
    return invalid_argument("server '{}' names no host", url.substr(0, 200));
  }
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.find_first_of("?# \r\n\t") != std::string_view::npos) {
    return invalid_argument("server '{}' has a query or white space", url.substr(0, 200));
  }
  config.base_path = path;
  return {};
}

Result<ClientConfig> in_cluster_config(const InCluster& pod) {
  std::error_code ignored;
  const std::filesystem::path token = pod.folder / "token";
  if (pod.host.empty() || pod.port.empty() || !std::filesystem::exists(token, ignored)) {
    return not_found(
        "this process runs in no pod: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and {} are "
        "needed",
        token.string());
  }
  ClientConfig out;
  int port = 0;
  const char* end = pod.port.data() + pod.port.size();
  const auto [stop, error] = std::from_chars(pod.port.data(), end, port);
  if (error != std::errc() || stop != end || port < 1 || port > 65535) {
    return invalid_argument("KUBERNETES_SERVICE_PORT '{}' is outside 1 to 65535", pod.port);
  }
  out.address = {pod.host, static_cast<std::uint16_t>(port)};
  out.server = "https://" + out.address.to_string();
  out.tls_config.ca.file = pod.folder / "ca.crt";
  out.token_file = token;
  if (auto name_space = read_file(pod.folder / "namespace", 1024); name_space.ok()) {
    while (!name_space->empty() && (name_space->back() == '\n' || name_space->back() == ' ')) {
      name_space->pop_back();
    }
    if (!name_space->empty()) out.name_space = std::move(*name_space);
  }
  return out;
}

}  // namespace nacelle::kube
