// exec_command.h: runs one program to its end and keeps what it wrote.
//
// The program gets /dev/null as input, its own process group, and the environment of this process
// with `environment` put over it. It is killed, with what it started, at the deadline, when it
// writes too much, or when `stop` becomes readable.
//
// Home:    any thread; blocks.
// Errors:  not_found, permission_denied and others for a program that cannot be started;
//          deadline_exceeded, resource_exhausted, cancelled for one that was killed. A program that
//          fails by itself is a value.
// Bounds:  output of 1 MiB; of what it writes to stderr the last 4 KiB are kept.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace nacelle::kube {

struct ExecCommand {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH unless it has a slash
  std::vector<std::pair<std::string, std::string>> environment;
};

struct ExecOutcome {
  int exit_code = 0;
  int signal = 0;  // not 0 when one ended it
  std::string output;
  std::string complaint;  // the end of stderr
};

[[nodiscard]] Result<ExecOutcome> run_command(const ExecCommand& command, Duration patience,
                                              int stop);

}  // namespace nacelle::kube
