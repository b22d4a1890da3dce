// tls_options.h: from the --ssl-* flags of `nacelle serve` to a TLS configuration.
//
// Errors:  invalid_argument naming the flag. Files are read later, when the port is taken.
// Source:  engine.md section 1; uvicorn's flags of the same names.
#pragma once

#include <optional>

#include "base/result.h"
#include "cli/flags/flag_values.h"
#include "net/tls/config.h"

namespace nacelle::apps {

struct TlsOptions {
  std::optional<net::TlsServerConfig> server;  // nullopt: plain HTTP
  bool refresh = false;                        // load the files again when they change
};

[[nodiscard]] Result<TlsOptions> read_tls_options(const cli::FlagValues& flags);

}  // namespace nacelle::apps
