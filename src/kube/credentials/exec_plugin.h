// exec_plugin.h: credentials of a program, as kubectl's exec plugins give them.
//
// The program runs on a thread of its own when a credential is first needed, when it expired, or
// after the server refused it; callers that come meanwhile wait for the same run. Nobody is asked
// anything: the program gets no terminal.
//
// Home:    the loop.
// Errors:  unauthenticated with the program's exit code and the end of its stderr; what it prints
//          on stdout is never told.
// Bounds:  kPatience for one run.
// Source:  kubernetes-api.md section 3.2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "kube/client_config.h"
#include "kube/time.h"

namespace nacelle::kube {

struct ExecCredential {
  std::string token;                // or
  std::string certificate, key;     // PEM; both or none
  std::optional<WallTime> expires;  // none: good until it is refused
};

// What a plugin prints.
[[nodiscard]] Result<ExecCredential> parse_exec_credential(std::string_view output,
                                                           std::string_view api_version);
// KUBERNETES_EXEC_INFO.
[[nodiscard]] std::string exec_info(const ClientConfig& config);

class ExecPlugin {
 public:
  using Credential = std::shared_ptr<const ExecCredential>;
  static constexpr Duration kPatience = std::chrono::seconds(60);

  // `config.exec` is set.
  ExecPlugin(async::Loop& loop, const ClientConfig& config);
  ~ExecPlugin();  // kills a program that runs; nobody may wait in get()

  [[nodiscard]] async::Task<Result<Credential>> get();
  // The server refused it.
  void refused(const Credential& credential);
  [[nodiscard]] const Credential& current() const { return current_; }

 private:
  void start();
  void ended(Result<ExecCredential> result);
  [[nodiscard]] Result<ExecCredential> run() const;  // the thread

  const ExecConfig config_;
  const std::string info_;
  async::Loop& loop_;
  async::Event done_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // for what the thread posts
  int stop_ = -1;                                           // an eventfd
  std::thread thread_;
  std::uint64_t started_ = 0, finished_ = 0;  // runs
  Credential current_;
  Status failure_;  // of the last run
};

}  // namespace nacelle::kube
