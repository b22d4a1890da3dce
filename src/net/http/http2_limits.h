// http2_limits.h: the bounds of one HTTP/2 connection, server and client alike.
//
// What a peer could make us hold or do without paying for it has a bound here. A connection whose
// peer passes a flood bound is told ENHANCE_YOUR_CALM and closed; the budgets refill with time and
// with the useful frames that explain the cheap ones.
//
// Source:  RFC 9113 section 10.5; CVE-2019-9511 to 9518, CVE-2023-44487 (rapid reset),
//          CVE-2024-27316 (CONTINUATION), CVE-2025-8671 (resets that the server is made to send).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace nacelle::net::http {

struct Http2Limits {
  // Streams that the peer may have open; also the bound of handlers that run for one connection,
  // which outlive a stream that its client resets. A client obeys the smaller of this and what its
  // server announces, and opens another connection beyond.
  std::uint32_t max_concurrent_streams = 1000;

  // Bytes of bodies that wait to be read by us: the peer gets more window only as they are read.
  std::uint32_t stream_window_bytes = 256 * 1024;
  std::uint32_t connection_window_bytes = 1024 * 1024;

  std::uint32_t header_table_bytes = 4096;   // HPACK, each way
  std::size_t max_output_bytes = 64 * 1024;  // framed but not yet taken by the kernel
  std::size_t max_queued_frames = 10000;     // control frames that the peer does not read
  std::size_t max_pending_acks = 1000;       // of its PINGs and SETTINGS
  std::size_t max_continuations = 8;         // of one header block
  std::size_t max_settings_entries = 32;     // of one SETTINGS frame

  // Streams that end by RST_STREAM, ours or the peer's, before their response was complete.
  std::uint32_t reset_burst = 1000;
  std::uint32_t resets_per_second = 33;

  // PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA and unknown frames. A DATA frame that we
  // send or receive with content, and a stream that opens, give back more than they explain.
  std::uint32_t control_burst = 2000;
  std::uint32_t controls_per_second = 200;

  // Between the notice of a graceful shutdown and the final GOAWAY, when the peer does not answer
  // the PING that comes with the notice.
  Duration shutdown_notice = 1s;
};

}  // namespace nacelle::net::http
