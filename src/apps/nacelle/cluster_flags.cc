#include "apps/nacelle/cluster_flags.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "apps/nacelle/otel_environment.h"
#include "apps/nacelle/up_options.h"
#include "async/runtime.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

void write_all(std::FILE* file, std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), file);
  (void)std::fflush(file);  // a watch is read as it comes
}

// The connection lives and ends on the loop it belongs to.
async::Task<int> run_on_loop(async::Loop* loop, cli::ClusterChoice choice,
                             const ClusterCommand* command, const cli::Terminal* terminal,
                             std::string_view name) {
  auto cluster = cli::Cluster::connect(*loop, std::move(choice));
  if (!cluster.ok()) {
    terminal->err("nacelle " + std::string(name) + ": " + cluster.error().message() + "\n");
    co_return 1;
  }
  const int code = co_await (*command)(*cluster, *terminal);
  co_return code;
}

}  // namespace

void add_cluster_flags(CLI::App& app, ClusterFlags& flags, bool namespaces) {
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "file that says where the API server is (default: $KUBECONFIG, else the API of "
                 "`nacelle up`, else ~/.kube/config)");
  app.add_option("--context", flags.context, "context of the kubeconfig");
  app.add_option("--data-dir", flags.data_dir, "data folder of `nacelle up`")
      ->default_str(default_data_dir().string());
  if (namespaces) app.add_option("-n,--namespace", flags.name_space, "namespace of the objects");
}

cli::Terminal standard_terminal() {
  return {[](std::string_view text) { write_all(stdout, text); },
          [](std::string_view text) { write_all(stderr, text); }};
}

int run_on_cluster(std::string_view name, const ClusterFlags& flags,
                   const ClusterCommand& command) {
  const auto environment = process_environment();
  cli::ClusterOptions options;
  options.kubeconfig = flags.kubeconfig;
  options.kubeconfig_list = environment("KUBECONFIG").value_or("");
  options.context = flags.context;
  options.name_space = flags.name_space;
  options.data_dir =
      flags.data_dir.empty() ? default_data_dir() : std::filesystem::path(flags.data_dir);
  options.home = environment("HOME").value_or("");
  const cli::Terminal terminal = standard_terminal();
  auto choice = cli::find_cluster(options);
  if (!choice.ok()) {
    terminal.err("nacelle " + std::string(name) + ": " + choice.error().message() + "\n");
    return 1;
  }
  (void)log::configure({log::Level::kError});
  async::Runtime runtime(1);
  runtime.start();
  return async::run_blocking(runtime.loop(0), run_on_loop(&runtime.loop(0), std::move(*choice),
                                                          &command, &terminal, name));
}

}  // namespace nacelle::apps
