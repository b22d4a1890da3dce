#include "apps/nacelle/command_line.h"

#include <vector>

#include "base/nearest_name.h"
#include "telemetry/log.h"

namespace nacelle::apps {

namespace {

constexpr double kMaxSeconds = 86400;

// Of the command that was chosen: its own options and those of the sub-commands that were named.
void collect_options(const CLI::App& app, std::vector<const CLI::Option*>& out) {
  for (const CLI::Option* option : app.get_options()) out.push_back(option);
  for (const CLI::App* chosen : app.get_subcommands()) collect_options(*chosen, out);
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  collect_options(app, options);
  std::vector<std::string> names;
  for (const CLI::Option* option : options) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  if (app.get_subcommands().empty()) {
    for (const CLI::App* command : app.get_subcommands(nullptr))
      names.push_back(command->get_name());
  }
  return names;
}

// What is left over and means nothing, with the nearest name; "" when there is nothing.
std::string unknown_arguments(const CLI::App& app) {
  const std::vector<std::string> names = names_of(app);
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string text;
  for (const std::string& extra : app.remaining(/*recurse=*/true)) {
    if (extra == "--") continue;
    const std::string written = extra.substr(0, extra.find('='));
    if (!text.empty()) text += '\n';
    text += fmt::format("unknown argument '{}'{}", extra.substr(0, 200),
                        did_you_mean(written, views));
  }
  return text;
}

// "Could not convert: --loops = abc" says what it was and not what it should be.
std::string wrong_value(const CLI::App& app, const std::string& told) {
  std::vector<const CLI::Option*> options;
  collect_options(app, options);
  for (const CLI::Option* option : options) {
    const std::string name = option->get_name();
    const std::size_t at = told.find(name + " = ");
    if (at == std::string::npos) continue;
    const std::string type = option->get_type_name();
    const std::size_t colon = type.find(':');  // "UINT:INT in [1 - 256]"
    return fmt::format("{}: '{}' is not {}", name, told.substr(at + name.size() + 3),
                       colon != std::string::npos        ? type.substr(colon + 1)
                       : type.find("FLOAT") == 0         ? "a number"
                       : type.find("INT") <= type.size() ? "a whole number"
                                                         : type);
  }
  return told;
}

}  // namespace

std::optional<int> parse_command_line(CLI::App& app, const Args& args) {
  std::string problem;
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
    return std::nullopt;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ConversionError& error) {
    problem = wrong_value(app, error.what());
  } catch (const CLI::ParseError& error) {
    problem = error.what();
  }
  if (std::string unknown = unknown_arguments(app); !unknown.empty()) problem = std::move(unknown);
  fmt::print(stderr, "{}: {}\n`{} --help` shows all flags.\n", app.get_name(), problem,
             app.get_name());
  return 2;
}

int fail(const std::string& command, const Status& status) {
  fmt::print(stderr, "{}: {}\n", command, status.message());
  return status.code() == Code::kInvalidArgument ? 2 : 1;
}

int fail(const CLI::App& app, const Status& status) { return fail(app.get_name(), status); }

void add_log_flags(CLI::App& app, LogOptions& options) {
  app.add_option("--log-level", options.level, "debug, info, warn, error, off")
      ->capture_default_str();
  app.add_option("--log-format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

Status configure_log(const LogOptions& options) {
  log::Config config;
  ASSIGN_OR_RETURN(config.level, log::parse_level(options.level));
  config.format = options.format == "json" ? log::Format::kJson : log::Format::kText;
  return log::configure(config);
}

void add_loops_flag(CLI::App& app, std::size_t& loops) {
  app.add_option("--loops", loops, "network threads (default: one per core)")
      ->check(CLI::Range(1, 256));
}

CLI::Option* add_seconds_flag(CLI::App& app, const std::string& name, double& seconds,
                              const std::string& help) {
  return app.add_option(name, seconds, help)
      ->check(CLI::Range(0.0, kMaxSeconds))
      ->capture_default_str();
}

CLI::Option* add_port_flag(CLI::App& app, const std::string& name, std::uint16_t& port,
                           const std::string& help) {
  return app.add_option(name, port, help)->check(CLI::Range(0, 65535))->capture_default_str();
}

Duration seconds_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace nacelle::apps
