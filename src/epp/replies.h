// replies.h: the messages that a picker sends to the proxy.
//
// Home:    pure.
// Source:  router.md sections 2.3 to 2.6 and 3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "epp/body_wire.h"

namespace nacelle::epp {

using envoy::service::ext_proc::v3::ProcessingRequest;
using envoy::service::ext_proc::v3::ProcessingResponse;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kDestinationKey = "x-gateway-destination-endpoint";
inline constexpr std::string_view kScoresKey = "x-gateway-destination-endpoint-scores";
inline constexpr std::string_view kServedKey = "x-gateway-destination-endpoint-served";
inline constexpr std::string_view kServedEchoHeader = "x-conformance-test-served-endpoint";
inline constexpr std::string_view kSubsetKey = "x-gateway-destination-endpoint-subset";
inline constexpr std::string_view kSubsetNamespace = "envoy.lb.subset_hint";
inline constexpr std::string_view kMetadataNamespace = "envoy.lb";
inline constexpr std::size_t kMaxPieceBytes = 62'000;  // the proxy writes 64 KiB at a time

// Received headers, names in lower case; raw_value wins over value.
[[nodiscard]] HeaderList headers_of(const envoy::config::core::v3::HeaderMap& map);
// The first value of a name in lower case; "" when absent.
[[nodiscard]] std::string_view header_in(const HeaderList& headers, std::string_view name);

struct Destination {
  std::string endpoints;                               // "ip:port,ip:port", the first is primary
  std::vector<std::pair<std::string, double>> scores;  // sent when not empty
};

// Echoes `received` but for what is the router's own, then sets and removes what was decided.
[[nodiscard]] ProcessingResponse request_headers_reply(const Destination& destination,
                                                       std::uint64_t content_length,
                                                       const HeaderList& received,
                                                       const HeaderList& set,
                                                       const std::vector<std::string>& remove);
// For a request without a body: it goes to `endpoint`.
[[nodiscard]] ProcessingResponse header_only_reply(std::string_view endpoint,
                                                   const HeaderList& received,
                                                   const HeaderList& set);
[[nodiscard]] ProcessingResponse response_headers_reply(const HeaderList& received,
                                                        const HeaderList& set);

// Appends one or more pieces, framed for gRPC; an empty body still gives one piece.
void append_body_replies(Half half, std::string_view body, bool end_of_stream, std::string& out);
[[nodiscard]] ProcessingResponse trailers_reply(Half half);

// "inference error: <code> - <message>" with the HTTP status; `reason` may be "".
[[nodiscard]] ProcessingResponse immediate_reply(int http_status, std::string_view message,
                                                 std::string_view reason);
// The same with the whole body given.
[[nodiscard]] ProcessingResponse immediate_body_reply(int http_status, std::string_view body,
                                                      std::string_view reason);

}  // namespace nacelle::epp
