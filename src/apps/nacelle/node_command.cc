// node_command.cc: `nacelle node list|stop|start`.
#include "apps/nacelle/cluster_flags.h"
#include "apps/nacelle/command_line.h"
#include "apps/nacelle/commands.h"
#include "cli/kube/nodes.h"

namespace nacelle::apps {

int node_command(const Args& args) {
  CLI::App app(
      "The nodes, and losing and getting back one of them: how failures of nodes are tried out on "
      "one machine.\n\n"
      "  nacelle up --nodes 3\n"
      "  nacelle node list\n"
      "  nacelle node stop node-1     # its pods end, it is silent\n"
      "  nacelle node start node-1\n",
      "nacelle node");
  app.require_subcommand(1);
  ClusterFlags flags;
  std::string name;
  add_cluster_flags(app, flags, false);
  CLI::App* list = app.add_subcommand("list", "shows the nodes");
  CLI::App* stop = app.add_subcommand("stop", "loses a node");
  CLI::App* start = app.add_subcommand("start", "gets it back");
  for (CLI::App* each : {list, stop, start}) each->fallthrough();
  for (CLI::App* each : {stop, start}) each->add_option("NODE", name, "its name")->required();
  if (const auto code = parse_command_line(app, args)) return *code;
  return run_on_cluster("node", flags, [&](cli::Cluster& cluster, const cli::Terminal& terminal) {
    if (list->parsed()) return cli::list_nodes(cluster, terminal);
    return cli::stop_node(cluster, name, stop->parsed(), terminal);
  });
}

}  // namespace nacelle::apps
