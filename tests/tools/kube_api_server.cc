// kube_api_server.cc: the embedded API server alone, for tests that drive it with real clients.
//
// Usage: kube_api_server FOLDER [--port N] [--plain]
// Prints the path of its kubeconfig when it answers, and runs until SIGTERM or SIGINT. Pods that
// are bound to a node have a log of three lines.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "async/runtime.h"
#include "kube/api_server.h"

namespace {

using namespace nacelle;

class ThreeLines final : public kube::PodLogStream {
 public:
  explicit ThreeLines(std::string container) : container_(std::move(container)) {}
  async::Task<Result<std::optional<std::string>>> next(TimePoint) override {
    if (line_ == 3) co_return std::string();
    ++line_;
    co_return "line " + std::to_string(line_) + " of " + container_ + "\n";
  }

 private:
  std::string container_;
  int line_ = 0;
};

class Logs final : public kube::PodLogs {
 public:
  async::Task<Result<std::unique_ptr<kube::PodLogStream>>> open(async::Loop&,
                                                                kube::PodLogQuery query) override {
    if (query.previous) {
      co_return failed_precondition("previous terminated container \"{}\" in pod \"{}\" not found",
                                    query.container, query.pod.name);
    }
    co_return std::unique_ptr<kube::PodLogStream>(new ThreeLines(query.container));
  }
};

async::Task<void> stop(kube::ApiServer& server) { co_await server.stop(); }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Logs logs;
  kube::ApiServerOptions options{.folder = argv[1], .pod_logs = &logs};
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--plain") options.tls = false;
    if (std::string_view(argv[i]) == "--port" && i + 1 < argc) {
      options.address.port = static_cast<std::uint16_t>(std::atoi(argv[++i]));
    }
  }
  async::Runtime runtime(2);
  runtime.start();
  auto server = kube::ApiServer::start(runtime, std::move(options));
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.error().to_string().c_str());
    return 1;
  }
  std::printf("%s\n", (*server)->kubeconfig().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  async::run_blocking(runtime.loop(0), stop(**server));
  server->reset();
  return 0;
}
