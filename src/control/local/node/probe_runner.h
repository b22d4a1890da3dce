// probe_runner.h: carries out one probe or hook.
//
// Home:    one loop.
// Errors:  a handler that does not do what it should is a Status whose message is what kubelet
// says:
//          "HTTP probe failed with statuscode: 503".
// Bounds:  10 KiB of an answer or of a program's output are looked at.
// Source:  kubernetes-api.md section 22.2.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "control/core/pod/pod_spec.h"
#include "net/http/client.h"

namespace nacelle::control::node {

// A handler and where it acts: a copy, since the pod may change while it runs.
struct ProbeJob {
  pod::Handler handler;
  pod::Container container;  // its ports have names
  std::string pod_ip;
  pid_t pid = 0;                      // whose mounts an exec sees; 0 = the host's
  std::filesystem::path plan_folder;  // plan.json: environment, user, group of an exec
  Duration timeout = 1s;
};

class ProbeRunner {
 public:
  explicit ProbeRunner(async::Loop& loop);
  ProbeRunner(const ProbeRunner&) = delete;
  ProbeRunner& operator=(const ProbeRunner&) = delete;

  // Ends within the timeout, whatever the other side does.
  [[nodiscard]] async::Task<Status> run(std::shared_ptr<const ProbeJob> job);

  // Waits for what is still ending after its caller was cancelled. To be awaited before
  // destruction.
  [[nodiscard]] async::Task<void> drain();

 private:
  class Active;

  async::Task<Status> act(std::shared_ptr<const ProbeJob> job);
  async::Task<Status> http_get(std::shared_ptr<const ProbeJob> job);
  async::Task<Status> connect(std::shared_ptr<const ProbeJob> job);
  async::Task<Status> check_health(std::shared_ptr<const ProbeJob> job);
  async::Task<Status> execute(std::shared_ptr<const ProbeJob> job);

  async::Loop& loop_;
  net::http::HttpClient http_;
  std::shared_ptr<const net::TlsClientContext> tls_;  // verifies nothing
  std::size_t active_ = 0;
  async::Event idle_;
};

}  // namespace nacelle::control::node
