// client_config.h: where an API server is and how we prove who we are; from a kubeconfig or from
// the files that every pod has.
//
// Home:    pure but for reading the files that are named.
// Errors:  invalid_argument naming the field; unimplemented for auth-provider and proxy-url.
// Bounds:  a kubeconfig of 1 MiB.
// Source:  kubernetes-api.md section 3.1.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kube/object.h"
#include "net/address.h"
#include "net/tls/config.h"

namespace nacelle::kube {

// A program that gives credentials.
struct ExecConfig {
  std::string api_version;  // client.authentication.k8s.io/v1 or v1beta1
  std::string command;      // with a slash: a file; else looked up in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string install_hint;  // told when the program is missing
  bool provide_cluster_info = false;
  Json cluster_config;  // the cluster's extension client.authentication.k8s.io/exec; or null
};

// Who we act as, once the server knows who we are.
struct Impersonation {
  std::string user, uid;
  std::vector<std::string> groups;
  std::vector<std::pair<std::string, std::string>> extra;
};

struct ClientConfig {
  std::string server;  // as it was given: "https://10.0.0.1:6443/prefix"
  net::HostPort address;
  std::string base_path;  // of servers behind a prefix; no slash at the end
  bool tls = true;
  net::TlsClientConfig tls_config;
  std::string token;                 // never logged
  std::filesystem::path token_file;  // read again within a minute; wins over `token`
  std::string basic;                 // "user:password"
  std::optional<ExecConfig> exec;    // runs unless there is a token file
  Impersonation impersonate;
  std::string name_space = "default";
  std::string user_agent = "nacelle";
};

// "https://10.0.0.1:6443/prefix" into address, base_path and tls.
[[nodiscard]] Status set_server(std::string_view url, ClientConfig& config);

// The current context, or `context` when it is not empty. Files that it names are relative to
// `folder`.
[[nodiscard]] Result<ClientConfig> parse_kubeconfig(std::string_view yaml,
                                                    const std::filesystem::path& folder,
                                                    std::string_view context = {});
[[nodiscard]] Result<ClientConfig> load_kubeconfig(const std::filesystem::path& file,
                                                   std::string_view context = {});
// The files of $KUBECONFIG, separated by colons: the first one to name an entry or the current
// context wins, and a file that is missing is passed over unless all are.
[[nodiscard]] Result<ClientConfig> load_kubeconfigs(std::string_view files,
                                                    std::string_view context = {});

// What a pod finds: KUBERNETES_SERVICE_HOST and _PORT, and the folder of its service account.
struct InCluster {
  std::string host;
  std::string port;
  std::filesystem::path folder = "/var/run/secrets/kubernetes.io/serviceaccount";
};
// not_found when this process runs in no pod.
[[nodiscard]] Result<ClientConfig> in_cluster_config(const InCluster& pod);

}  // namespace nacelle::kube
