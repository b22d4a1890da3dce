// head_parser.h: strict HTTP/1.x heads out of bytes.
//
// Anything that two parsers could read differently is refused, because a request that a proxy and
// its upstream frame differently is an attack: Content-Length with Transfer-Encoding, repeated or
// signed lengths, codings other than exactly "chunked", bare CR or LF, folded lines, space before
// the colon, bytes outside the grammar, a missing or repeated Host.
//
// Incremental: call parse() again with more bytes of the same buffer; `scan` remembers what has
// been searched, so that feeding byte by byte stays linear.
//
// Source:  RFC 9112 sections 2 to 7; RFC 9110 section 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http/message.h"

namespace nacelle::net::http1 {

struct HeadLimits {
  std::size_t max_bytes = 60 * 1024;
  std::size_t max_fields = 100;
  std::size_t max_target_bytes = 16 * 1024;  // 414 beyond
  bool allow_http10 = true;
};

enum class BodyKind : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

// How the body that follows a head is delimited.
struct BodyFraming {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // of kLength
};

enum class ParseState : std::uint8_t { kNeedMore, kDone, kError };

struct ParseOutcome {
  ParseState state = ParseState::kNeedMore;
  std::size_t consumed = 0;  // bytes of the head, when done
  int status = 0;            // what to answer, when refused: 400, 414, 426, 431, 501, 505
  std::string_view reason;   // static text for that answer
};

// Where the search for the end of the head stands. Reset it for every head.
struct ScanState {
  std::size_t searched = 0;
  std::size_t skipped = 0;  // empty lines before a request line
};

struct ParsedRequest {
  http::RequestHead* head = nullptr;  // filled; its storage is reused
  BodyFraming body;
  bool keep_alive = true;
  bool expect_continue = false;
};

// Parses a request head at the start of `bytes`.
[[nodiscard]] ParseOutcome parse_request_head(std::string_view bytes, const HeadLimits& limits,
                                              ScanState& scan, ParsedRequest& out);

struct ParsedResponse {
  http::ResponseHead* head = nullptr;
  BodyFraming body;
  bool keep_alive = true;
};

// Parses a response head; `request_method` decides about the body (HEAD has none).
[[nodiscard]] ParseOutcome parse_response_head(std::string_view bytes,
                                               std::string_view request_method,
                                               const HeadLimits& limits, ScanState& scan,
                                               ParsedResponse& out);

}  // namespace nacelle::net::http1
