// command_line.h: command lines of the sub-commands, read by CLI11 and refused in words of our own.
//
// What is wrong is told with the value that was written and what is allowed; an argument that means
// nothing is told before anything else, since it is mostly the reason for the rest.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "apps/nacelle/commands.h"
#include "base/clock.h"
#include "base/status.h"

namespace nacelle::apps {

// nullopt: go on. Else the exit code: 0 after --help, 2 after a wrong command line.
[[nodiscard]] std::optional<int> parse_command_line(CLI::App& app, const Args& args);

// Tells what failed: 2 when what the user wrote is to blame, else 1.
[[nodiscard]] int fail(const CLI::App& app, const Status& status);
[[nodiscard]] int fail(const std::string& command, const Status& status);

// Flags that several commands have.
struct LogOptions {
  std::string level = "info";
  std::string format = "text";
};
void add_log_flags(CLI::App& app, LogOptions& options);
[[nodiscard]] Status configure_log(const LogOptions& options);

// 0 = one per core.
void add_loops_flag(CLI::App& app, std::size_t& loops);
// Seconds, 0 to a day, with parts.
CLI::Option* add_seconds_flag(CLI::App& app, const std::string& name, double& seconds,
                              const std::string& help);
CLI::Option* add_port_flag(CLI::App& app, const std::string& name, std::uint16_t& port,
                           const std::string& help);
[[nodiscard]] Duration seconds_of(double seconds);

}  // namespace nacelle::apps
