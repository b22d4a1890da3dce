// commands.h: the sub-commands of the binary. Each returns the process's exit code.
//
// 0 = done or stopped on request, 1 = could not run, 2 = wrong command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nacelle::apps {

using Args = std::vector<std::string>;

int serve_command(const Args& args);
int gateway_command(const Args& args);
int epp_command(const Args& args);
int pd_sidecar_command(const Args& args);  // started by the node agent
int up_command(const Args& args, std::string_view program);
int route_command(const Args& args);
int apply_command(const Args& args);
int get_command(const Args& args);
int delete_command(const Args& args);
int logs_command(const Args& args);
int node_command(const Args& args);
int bench_command(const Args& args);
int bench_kernels_command(const Args& args);

}  // namespace nacelle::apps
