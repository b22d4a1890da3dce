// cluster.h: which API server a command talks to, and the connection to it.
//
// In this order: the file that was named, $KUBECONFIG, the API of `nacelle up` in its data folder,
// ~/.kube/config.
//
// Home:    find_cluster(): pure but for files; Cluster: its loop.
// Errors:  not_found listing the places looked at and what to do; those of kube/client_config.h.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace nacelle::cli {

struct ClusterOptions {
  std::string kubeconfig;       // --kubeconfig
  std::string kubeconfig_list;  // $KUBECONFIG
  std::string context;
  std::string name_space;          // "": the context's
  std::filesystem::path data_dir;  // of `nacelle up`
  std::filesystem::path home;
};

struct ClusterChoice {
  kube::ClientConfig config;
  std::string from;    // the file or files that were read
  bool of_up = false;  // the API of `nacelle up` on this machine
};
[[nodiscard]] Result<ClusterChoice> find_cluster(const ClusterOptions& options);

struct Cluster {
  std::shared_ptr<kube::Transport> transport;
  std::unique_ptr<kube::Client> client;
  std::string name_space;
  std::string hint;  // said when the server cannot be reached

  [[nodiscard]] static Result<Cluster> connect(async::Loop& loop, ClusterChoice choice);
};

}  // namespace nacelle::cli
