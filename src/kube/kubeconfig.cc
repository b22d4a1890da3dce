#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/base64.h"
#include "base/file.h"
#include "kube/client_config.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

std::string text_of(const YAML::Node& map, const char* key) {
  if (!map.IsMap()) return {};
  const YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool has(const YAML::Node& map, const char* key) {
  return map.IsMap() && map[key] && !map[key].IsNull();
}

// The `what` (cluster, user, context) of that name in the list `list`.
Result<YAML::Node> entry(const YAML::Node& root, const char* list, const char* what,
                         const std::string& name) {
  const YAML::Node entries = root[list];
  if (entries && entries.IsSequence()) {
    for (const YAML::Node& one : entries) {
      if (!one.IsMap() || text_of(one, "name") != name) continue;
      const YAML::Node value = one[what];
      return value && value.IsMap() ? value : YAML::Node(YAML::NodeType::Map);
    }
  }
  return not_found("{} has no entry '{}'", list, name);
}

// `key`-data as base64 of PEM wins over the file `key`.
Result<net::PemSource> pem(const YAML::Node& map, const char* key, const std::string& data_key,
                           const std::filesystem::path& folder) {
  if (const std::string data = text_of(map, data_key.c_str()); !data.empty()) {
    auto decoded = decode_base64(data);
    if (!decoded) return invalid_argument("{} is no base64", data_key);
    return net::PemSource{.file = {}, .text = std::move(*decoded)};
  }
  const std::string file = text_of(map, key);
  if (file.empty()) return net::PemSource{};
  return net::PemSource{.file = folder / file, .text = {}};
}

Status read_cluster(const YAML::Node& cluster, const std::filesystem::path& folder,
                    ClientConfig& out) {
  if (has(cluster, "proxy-url")) return unimplemented("cluster.proxy-url is not supported");
  RETURN_IF_ERROR(set_server(text_of(cluster, "server"), out));
  ASSIGN_OR_RETURN(out.tls_config.ca,
                   pem(cluster, "certificate-authority", "certificate-authority-data", folder));
  out.tls_config.server_name = text_of(cluster, "tls-server-name");
  out.tls_config.verify = text_of(cluster, "insecure-skip-tls-verify") != "true";
  return {};
}

Status read_user(const YAML::Node& user, const std::filesystem::path& folder, ClientConfig& out) {
  for (const char* key : {"exec", "auth-provider", "as"}) {
    if (has(user, key)) {
      return unimplemented("user.{} is not supported; use a token, tokenFile or client certificate",
                           key);
    }
  }
  out.token = text_of(user, "token");
  if (const std::string file = text_of(user, "tokenFile"); !file.empty()) {
    out.token_file = folder / file;
  }
  ASSIGN_OR_RETURN(out.tls_config.certificate,
                   pem(user, "client-certificate", "client-certificate-data", folder));
  ASSIGN_OR_RETURN(out.tls_config.key, pem(user, "client-key", "client-key-data", folder));
  if (const std::string name = text_of(user, "username"); !name.empty()) {
    out.basic = name + ":" + text_of(user, "password");
  }
  return {};
}

Result<ClientConfig> read(const YAML::Node& root, const std::filesystem::path& folder,
                          std::string_view wanted) {
  if (!root.IsMap()) return invalid_argument("a kubeconfig is a map");
  const std::string name = wanted.empty() ? text_of(root, "current-context") : std::string(wanted);
  if (name.empty()) return invalid_argument("current-context is empty");
  ASSIGN_OR_RETURN(const YAML::Node context, entry(root, "contexts", "context", name));
  ASSIGN_OR_RETURN(const YAML::Node cluster,
                   entry(root, "clusters", "cluster", text_of(context, "cluster")));
  ClientConfig out;
  RETURN_IF_ERROR(read_cluster(cluster, folder, out));
  if (const std::string user_name = text_of(context, "user"); !user_name.empty()) {
    ASSIGN_OR_RETURN(const YAML::Node user, entry(root, "users", "user", user_name));
    RETURN_IF_ERROR(read_user(user, folder, out));
  }
  if (std::string space = text_of(context, "namespace"); !space.empty()) {
    out.name_space = std::move(space);
  }
  return out;
}

}  // namespace

Result<ClientConfig> parse_kubeconfig(std::string_view yaml, const std::filesystem::path& folder,
                                      std::string_view context) {
  if (yaml.size() > kMaxBytes) {
    return out_of_range("{} bytes; a kubeconfig may have {}", yaml.size(), kMaxBytes);
  }
  try {
    return read(YAML::Load(std::string(yaml)), folder, context);
  } catch (const YAML::Exception& error) {
    // The message may quote the file, which holds secrets: tell the place only.
    return invalid_argument("line {}: this is no YAML", error.mark.line + 1);
  }
}

Result<ClientConfig> load_kubeconfig(const std::filesystem::path& file, std::string_view context) {
  ASSIGN_OR_RETURN(const std::string text, read_file(file, kMaxBytes));
  auto config = parse_kubeconfig(text, file.parent_path(), context);
  if (!config.ok()) return config.error().with_context(file.string());
  return config;
}

}  // namespace nacelle::kube
