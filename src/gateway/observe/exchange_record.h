// exchange_record.h: what is remembered of one request for the access log, metrics and its span.
//
// Home:    one connection's loop; a value. Texts are copies: heads are edited on their way.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "tracing/trace_context.h"

namespace nacelle::gateway {

struct TokenCounts {
  std::uint64_t input = 0, cached_input = 0, cache_creation = 0, output = 0, reasoning = 0;
};

struct ExchangeRecord {
  std::chrono::system_clock::time_point started_at;
  TimePoint started{};
  TimePoint complete{};    // the request's last byte came
  TimePoint first_byte{};  // of the answer's body; zero when none came
  TimePoint ended{};

  std::string method, path;  // the path with its query, as received; secrets are cut when logged
  std::string protocol, authority, user_agent, request_id, forwarded_for, peer;
  std::string session;
  std::string_view listener, route, cluster;  // of the snapshot, which outlives the record
  std::string upstream_host;
  std::uint32_t attempts = 0;

  int status = 0;                                    // 0 = the client left before an answer
  std::string_view flags = "-";                      // Envoy's response flags, literals
  std::string_view details = "-";                    // Envoy's response code details, literals
  std::string failure;                               // of the upstream, in words
  std::uint64_t bytes_received = 0, bytes_sent = 0;  // of bodies

  std::string client_key;  // id of the API key, never the key; "" = none was asked for
  std::string model, upstream_model, response_model, provider;
  bool streamed = false;
  std::optional<TokenCounts> tokens;

  tracing::TraceContext trace;
};

}  // namespace nacelle::gateway
