// cluster_flags.h: the flags that commands over an API server share, and running them.
//
// Home:    main thread.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>

#include "cli/kube/cluster.h"
#include "cli/kube/terminal.h"

namespace nacelle::apps {

struct ClusterFlags {
  std::string kubeconfig, context, name_space, data_dir;
};

// --kubeconfig, --context, --data-dir, and -n where `namespaces`.
void add_cluster_flags(CLI::App& app, ClusterFlags& flags, bool namespaces);

// Standard output and error.
[[nodiscard]] cli::Terminal standard_terminal();

using ClusterCommand = std::function<async::Task<int>(cli::Cluster&, const cli::Terminal&)>;
// Connects, runs the command on a loop of its own, and returns its exit code.
[[nodiscard]] int run_on_cluster(std::string_view name, const ClusterFlags& flags,
                                 const ClusterCommand& command);

}  // namespace nacelle::apps
