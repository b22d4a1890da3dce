// epp_flags.h: the command line of `nacelle epp`: flags of upstream's Endpoint Picker, those that
// KServe passes, and our own.
//
// Upstream's flags that mean nothing here are accepted, and named in `without_effect`; so that a
// Deployment made for upstream's image runs ours as it is.
//
// Home:    one thread.
// Errors:  complete(): invalid_argument naming the flag.
// Source:  router.md section 6.1; kserve.md section A7.
#pragma once

#include <string>
#include <vector>

#include "apps/nacelle/command_line.h"
#include "apps/nacelle/epp_options.h"
#include "apps/nacelle/otel_environment.h"

namespace nacelle::apps {

// Logging as controller-runtime's zap is told.
struct ZapFlags {
  std::string encoder;  // json, console; "": not given
  std::string level;    // debug, info, error, or a verbosity; "": not given
  int verbosity = 0;    // -v
  bool development = false;
};

struct EppFlags {
  EppOptions epp;
  std::vector<std::string> pools;  // --pool, as written
  std::size_t loops = 0;
  Duration drain_timeout = 30s;
  LogOptions log;
  ZapFlags zap;
  bool tracing = true;
  std::string tls_min_version, tls_cipher_suites, max_receive;
  std::vector<std::string> without_effect;  // flags and variables that were given for nothing
};

// Binds to `flags`, which lives as long as `app` parses.
void add_epp_flags(CLI::App& app, EppFlags& flags);

// Arguments as Go's flag packages read them: a template that rendered to "" is no argument, and
// -v=3 is -v 3.
[[nodiscard]] Args go_arguments(const Args& args);

// After parsing: what follows from several flags, and from the environment.
Status complete_epp_flags(const CLI::App& app, const Environment& environment, EppFlags& flags);

// --log-level and --log-format win over zap's flags, and --zap-log-level over -v. Verbosity 4 and
// more is debug, as upstream's DEBUG is.
[[nodiscard]] Result<LogOptions> epp_log_options(const CLI::App& app, const EppFlags& flags);

}  // namespace nacelle::apps
