// nodes.h: `nacelle node list|stop|start`: the nodes, and losing and getting back one of them.
//
// A node of `nacelle up --nodes N` that is stopped ends its pods' processes and is silent, as a
// machine without power is: the annotation nacelle.dev/stopped on the Node tells its agent.
//
// Home:    the client's loop.
// Errors:  told on the terminal; the answer is the exit code.
#pragma once

#include <string>

#include "cli/kube/cluster.h"
#include "cli/kube/terminal.h"

namespace nacelle::cli {

inline constexpr std::string_view kStoppedAnnotation = "nacelle.dev/stopped";

[[nodiscard]] async::Task<int> list_nodes(Cluster& cluster, const Terminal& terminal);
[[nodiscard]] async::Task<int> stop_node(Cluster& cluster, std::string name, bool stop,
                                         const Terminal& terminal);

}  // namespace nacelle::cli
