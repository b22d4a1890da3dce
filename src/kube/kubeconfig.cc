#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/file.h"
#include "kube/client_config.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

struct Document {
  YAML::Node root;
  std::filesystem::path folder;
};

// An entry of a list, and the folder that its file names are relative to.
struct Entry {
  YAML::Node value;
  std::filesystem::path folder;
};

std::string text_of(const YAML::Node& map, const char* key) {
  if (!map.IsMap()) return {};
  const YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool has(const YAML::Node& map, const char* key) {
  return map.IsMap() && map[key] && !map[key].IsNull();
}

// The `what` (cluster, user, context) of that name in the lists `list`.
Result<Entry> entry(const std::vector<Document>& files, const char* list, const char* what,
                    const std::string& name) {
  for (const Document& file : files) {
    const YAML::Node entries = file.root[list];
    if (!entries || !entries.IsSequence()) continue;
    for (const YAML::Node& one : entries) {
      if (!one.IsMap() || text_of(one, "name") != name) continue;
      const YAML::Node value = one[what];
      return Entry{value && value.IsMap() ? value : YAML::Node(YAML::NodeType::Map), file.folder};
    }
  }
  return not_found("{} has no entry '{}'", list, name);
}

// `key`-data as base64 of PEM wins over the file `key`.
Result<net::PemSource> pem(const Entry& from, const char* key, const std::string& data_key) {
  if (const std::string data = text_of(from.value, data_key.c_str()); !data.empty()) {
    auto decoded = decode_base64(data);
    if (!decoded) return invalid_argument("{} is no base64", data_key);
    return net::PemSource{.file = {}, .text = std::move(*decoded)};
  }
  const std::string file = text_of(from.value, key);
  if (file.empty()) return net::PemSource{};
  return net::PemSource{.file = from.folder / file, .text = {}};
}

Json json_of(const YAML::Node& node, int depth = 0) {
  if (depth > 50) return {};
  if (node.IsMap()) {
    Json out = Json::object();
    for (const auto& pair : node) out[pair.first.Scalar()] = json_of(pair.second, depth + 1);
    return out;
  }
  if (node.IsSequence()) {
    Json out = Json::array();
    for (const YAML::Node& item : node) out.push_back(json_of(item, depth + 1));
    return out;
  }
  if (!node.IsScalar()) return {};
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return {};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

Status read_cluster(const Entry& cluster, ClientConfig& out) {
  if (has(cluster.value, "proxy-url")) {
    return unimplemented("cluster.proxy-url is not supported: the API server is reached directly");
  }
  RETURN_IF_ERROR(set_server(text_of(cluster.value, "server"), out));
  ASSIGN_OR_RETURN(out.tls_config.ca,
                   pem(cluster, "certificate-authority", "certificate-authority-data"));
  out.tls_config.server_name = text_of(cluster.value, "tls-server-name");
  out.tls_config.verify = text_of(cluster.value, "insecure-skip-tls-verify") != "true";
  if (!out.tls_config.verify && out.tls_config.ca.given()) {
    return invalid_argument(
        "cluster: insecure-skip-tls-verify goes without certificate-authority(-data)");
  }
  return {};
}

Status read_exec(const Entry& user, ClientConfig& out) {
  const YAML::Node exec = user.value["exec"];
  ExecConfig config;
  config.api_version = text_of(exec, "apiVersion");
  constexpr std::string_view kV1 = "client.authentication.k8s.io/v1";
  if (config.api_version != kV1 && config.api_version != "client.authentication.k8s.io/v1beta1") {
    return invalid_argument("user.exec.apiVersion '{}' is neither {} nor v1beta1 of it",
                            config.api_version, kV1);
  }
  config.command = text_of(exec, "command");
  if (config.command.empty()) return invalid_argument("user.exec.command is empty");
  if (config.command.find('/') != std::string::npos) {
    config.command = (user.folder / config.command).string();
  }
  const std::string interactive = text_of(exec, "interactiveMode");
  if (interactive == "Always") {
    return unimplemented("user.exec.interactiveMode Always needs a terminal, and there is none");
  }
  const bool known = interactive == "Never" || interactive == "IfAvailable";
  if (!known && (!interactive.empty() || config.api_version == kV1)) {
    return invalid_argument("user.exec.interactiveMode '{}' is none of Never, IfAvailable, Always",
                            interactive);
  }
  if (has(exec, "args") && exec["args"].IsSequence()) {
    for (const YAML::Node& arg : exec["args"]) config.args.push_back(arg.Scalar());
  }
  if (has(exec, "env") && exec["env"].IsSequence()) {
    for (const YAML::Node& pair : exec["env"]) {
      const std::string name = text_of(pair, "name");
      if (name.empty() || name.find('=') != std::string::npos) {
        return invalid_argument("user.exec.env has a name '{}'", name);
      }
      config.environment.emplace_back(name, text_of(pair, "value"));
    }
  }
  config.install_hint = text_of(exec, "installHint");
  config.provide_cluster_info = text_of(exec, "provideClusterInfo") == "true";
  // A credential that the plugin gives must not go out in the clear.
  if (!out.tls) return invalid_argument("user.exec needs a server with https://");
  out.exec = std::move(config);
  return {};
}

void read_impersonation(const YAML::Node& user, Impersonation& out) {
  out.user = text_of(user, "as");
  out.uid = text_of(user, "as-uid");
  if (has(user, "as-groups") && user["as-groups"].IsSequence()) {
    for (const YAML::Node& group : user["as-groups"]) out.groups.push_back(group.Scalar());
  }
  if (!has(user, "as-user-extra") || !user["as-user-extra"].IsMap()) return;
  for (const auto& pair : user["as-user-extra"]) {
    for (const YAML::Node& value : pair.second) {
      out.extra.emplace_back(pair.first.Scalar(), value.Scalar());
    }
  }
}

Status read_user(const Entry& user, ClientConfig& out) {
  if (has(user.value, "auth-provider")) {
    return unimplemented(
        "user.auth-provider is not supported; use exec, a token or a client certificate");
  }
  out.token = text_of(user.value, "token");
  if (const std::string file = text_of(user.value, "tokenFile"); !file.empty()) {
    out.token_file = user.folder / file;
  }
  ASSIGN_OR_RETURN(out.tls_config.certificate,
                   pem(user, "client-certificate", "client-certificate-data"));
  ASSIGN_OR_RETURN(out.tls_config.key, pem(user, "client-key", "client-key-data"));
  if (const std::string name = text_of(user.value, "username"); !name.empty()) {
    out.basic = name + ":" + text_of(user.value, "password");
  }
  read_impersonation(user.value, out.impersonate);
  if (has(user.value, "exec")) return read_exec(user, out);
  return {};
}

// What a plugin is told of this cluster, beyond its address.
Json exec_extension(const YAML::Node& cluster) {
  const YAML::Node extensions = cluster["extensions"];
  if (!extensions || !extensions.IsSequence()) return {};
  for (const YAML::Node& one : extensions) {
    if (text_of(one, "name") == kExecExtension) return json_of(one["extension"]);
  }
  return {};
}

Result<ClientConfig> read(const std::vector<Document>& files, std::string_view wanted) {
  std::string name(wanted);
  for (const Document& file : files) {
    if (!file.root.IsMap()) return invalid_argument("a kubeconfig is a map");
    if (name.empty()) name = text_of(file.root, "current-context");
  }
  if (name.empty()) return invalid_argument("current-context is empty");
  ASSIGN_OR_RETURN(const Entry context, entry(files, "contexts", "context", name));
  ASSIGN_OR_RETURN(const Entry cluster,
                   entry(files, "clusters", "cluster", text_of(context.value, "cluster")));
  ClientConfig out;
  RETURN_IF_ERROR(read_cluster(cluster, out));
  if (const std::string user_name = text_of(context.value, "user"); !user_name.empty()) {
    ASSIGN_OR_RETURN(const Entry user, entry(files, "users", "user", user_name));
    RETURN_IF_ERROR(read_user(user, out));
    if (out.exec) out.exec->cluster_config = exec_extension(cluster.value);
  }
  if (std::string space = text_of(context.value, "namespace"); !space.empty()) {
    out.name_space = std::move(space);
  }
  return out;
}

Result<Document> parse(std::string_view yaml, const std::filesystem::path& folder) {
  if (yaml.size() > kMaxBytes) {
    return out_of_range("{} bytes; a kubeconfig may have {}", yaml.size(), kMaxBytes);
  }
  try {
    return Document{YAML::Load(std::string(yaml)), folder};
  } catch (const YAML::Exception& error) {
    // The message may quote the file, which holds secrets: tell the place only.
    return invalid_argument("line {}: this is no YAML", error.mark.line + 1);
  }
}

Result<ClientConfig> read_safely(const std::vector<Document>& files, std::string_view context) {
  try {
    return read(files, context);
  } catch (const YAML::Exception&) {
    return invalid_argument("a key or an item of a list is no text where one is needed");
  }
}

}  // namespace

Result<ClientConfig> parse_kubeconfig(std::string_view yaml, const std::filesystem::path& folder,
                                      std::string_view context) {
  ASSIGN_OR_RETURN(Document document, parse(yaml, folder));
  return read_safely({std::move(document)}, context);
}

Result<ClientConfig> load_kubeconfig(const std::filesystem::path& file, std::string_view context) {
  ASSIGN_OR_RETURN(const std::string text, read_file(file, kMaxBytes));
  auto config = parse_kubeconfig(text, file.parent_path(), context);
  if (!config.ok()) return config.error().with_context(file.string());
  return config;
}

Result<ClientConfig> load_kubeconfigs(std::string_view files, std::string_view context) {
  std::vector<Document> documents;
  const std::string all(files);
  while (!files.empty()) {
    const std::filesystem::path file(files.substr(0, files.find(':')));
    files.remove_prefix(std::min(files.size(), file.native().size() + 1));
    if (file.empty()) continue;
    auto text = read_file(file, kMaxBytes);
    if (!text.ok() && text.error().code() == Code::kNotFound) continue;
    if (!text.ok()) return text.error();
    auto document = parse(*text, file.parent_path());
    if (!document.ok()) return document.error().with_context(file.string());
    documents.push_back(std::move(*document));
  }
  if (documents.empty()) return not_found("none of the kubeconfig files {} is there", all);
  auto config = read_safely(documents, context);
  if (!config.ok()) return config.error().with_context(all);
  return config;
}

}  // namespace nacelle::kube
