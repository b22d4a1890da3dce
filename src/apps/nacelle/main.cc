// The nacelle binary: picks the sub-command. `vllm` is a second name of it: `vllm serve ...`.

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "apps/nacelle/commands.h"
#include "apps/nacelle/version.h"
#include "base/nearest_name.h"
#include "control/local/node/container_shim.h"

namespace nacelle::apps {
namespace {

constexpr std::string_view kUsage =
    R"(Nacelle serves large language models, from one machine to a fleet.

  nacelle up [MODEL_DIR]            a cluster of this machine: API, engines, gateway
  nacelle serve MODEL_DIR [flags]   one engine with its OpenAI server (vLLM's flags)
  nacelle gateway --config FILE     data plane with the picker in process
  nacelle epp [flags]               Endpoint Picker for Envoy (ext_proc)
  nacelle apply -f FILE             applies Kubernetes objects to an API server
  nacelle get KIND [NAME]           shows them; -w goes on, -o yaml shows all of one
  nacelle delete KIND NAME          deletes them
  nacelle logs POD                  what a container writes
  nacelle node list|stop|start      the nodes of `nacelle up`, and how it is to lose one
  nacelle route replay FILE         repeats recorded picking decisions, explains one
  nacelle bench [flags]             load generator for any OpenAI-compatible server
  nacelle bench kernels             how close the kernels come to this machine's limits
  nacelle version

`nacelle COMMAND --help` shows the flags of a command. Start with `nacelle up`.
)";

constexpr std::string_view kCommands[] = {"up",    "serve",   "gateway", "epp",  "apply",
                                          "get",   "delete",  "logs",    "node", "route",
                                          "bench", "version", "help"};

int run(const std::string& program, const Args& args) {
  const bool is_vllm = std::filesystem::path(program).filename() == "vllm";
  if (args.empty()) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  const std::string& command = args[0];
  const Args rest(args.begin() + 1, args.end());
  if (command == "serve") return serve_command(rest);
  if (command == "gateway") return gateway_command(rest);
  if (command == "epp") return epp_command(rest);
  if (command == "pd-sidecar") return pd_sidecar_command(rest);
  if (command == "up") return up_command(rest, program);
  if (command == "apply") return apply_command(rest);
  if (command == "get") return get_command(rest);
  if (command == "delete") return delete_command(rest);
  if (command == "logs") return logs_command(rest);
  if (command == "node") return node_command(rest);
  if (command == "route") return route_command(rest);
  if (command == "bench") return bench_command(rest);
  if (command == control::node::kShimCommand && rest.size() == 1) {  // started by the node agent
    return control::node::run_container_shim(rest[0]);
  }
  if (command == "version" || command == "--version" || command == "-v") {
    if (is_vllm) {
      fmt::print("{}\n", kVllmVersion);
    } else {
      fmt::print("nacelle {} (serves the API of vLLM {})\n", kVersion, kVllmVersion);
    }
    return 0;
  }
  if (command == "help" || command == "--help" || command == "-h") {
    fmt::print("{}", kUsage);
    return 0;
  }
  fmt::print(stderr, "nacelle: unknown command '{}'{}\n\n{}", command,
             did_you_mean(command, kCommands), kUsage);
  return 2;
}

}  // namespace
}  // namespace nacelle::apps

int main(int argc, char** argv) {
  return nacelle::apps::run(argv[0], nacelle::apps::Args(argv + 1, argv + argc));
}
