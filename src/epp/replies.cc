#include "epp/replies.h"

#include <algorithm>

#include <fmt/format.h>

#include "router/flow/outcome.h"
#include "router/objective/request_facts.h"

namespace nacelle::epp {
namespace {

using envoy::service::ext_proc::v3::CommonResponse;
using envoy::service::ext_proc::v3::HeaderMutation;

void set_header(HeaderMutation& mutation, std::string_view name, std::string_view value) {
  auto& header = *mutation.add_set_headers()->mutable_header();
  header.set_key(std::string(name));
  header.set_raw_value(std::string(value));
}

bool names(const HeaderList& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

// Received headers, but for those that the router owns, removes or sets anew.
void echo(HeaderMutation& mutation, const HeaderList& received, const HeaderList& set,
          const std::vector<std::string>& remove) {
  for (const auto& [name, value] : received) {
    if (router::objective::is_system_owned(name) || names(set, name)) continue;
    if (std::find(remove.begin(), remove.end(), name) != remove.end()) continue;
    set_header(mutation, name, value);
  }
  for (const auto& [name, value] : set) set_header(mutation, name, value);
  for (const std::string& name : remove) {
    if (!names(set, name)) mutation.add_remove_headers(name);
  }
}

void set_metadata(ProcessingResponse& reply, const Destination& destination) {
  auto& lb = *(*reply.mutable_dynamic_metadata()->mutable_fields())[std::string(kMetadataNamespace)]
                  .mutable_struct_value();
  (*lb.mutable_fields())[std::string(kDestinationKey)].set_string_value(destination.endpoints);
  if (destination.scores.empty()) return;
  auto& scores = *(*lb.mutable_fields())[std::string(kScoresKey)].mutable_struct_value();
  for (const auto& [endpoint, score] : destination.scores) {
    (*scores.mutable_fields())[endpoint].set_number_value(score);
  }
}

std::string_view code_name(int http_status) {
  switch (http_status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 412:
      return "PreconditionFailed";
    case 413:
    case 429:
      return "ResourceExhausted";
    case 503:
      return "ServiceUnavailable";
    default:
      return "Internal";
  }
}

}  // namespace

HeaderList headers_of(const envoy::config::core::v3::HeaderMap& map) {
  HeaderList out;
  out.reserve(static_cast<std::size_t>(map.headers_size()));
  for (const auto& header : map.headers()) {
    std::string name = header.key();
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    out.emplace_back(std::move(name),
                     header.raw_value().empty() ? header.value() : header.raw_value());
  }
  return out;
}

std::string_view header_in(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

ProcessingResponse request_headers_reply(const Destination& destination,
                                         std::uint64_t content_length, const HeaderList& received,
                                         const HeaderList& set,
                                         const std::vector<std::string>& remove) {
  ProcessingResponse reply;
  CommonResponse& common = *reply.mutable_request_headers()->mutable_response();
  common.set_clear_route_cache(true);
  HeaderMutation& mutation = *common.mutable_header_mutation();
  set_header(mutation, kDestinationKey, destination.endpoints);
  set_header(mutation, "Content-Length", std::to_string(content_length));
  echo(mutation, received, set, remove);
  set_metadata(reply, destination);
  return reply;
}

ProcessingResponse header_only_reply(std::string_view endpoint, const HeaderList& received,
                                     const HeaderList& set) {
  ProcessingResponse reply;
  CommonResponse& common = *reply.mutable_request_headers()->mutable_response();
  common.set_clear_route_cache(true);
  HeaderMutation& mutation = *common.mutable_header_mutation();
  set_header(mutation, kDestinationKey, endpoint);
  echo(mutation, received, set, {});
  set_metadata(reply, {.endpoints = std::string(endpoint), .scores = {}});
  return reply;
}

ProcessingResponse response_headers_reply(const HeaderList& received, const HeaderList& set) {
  ProcessingResponse reply;
  HeaderMutation& mutation =
      *reply.mutable_response_headers()->mutable_response()->mutable_header_mutation();
  set_header(mutation, "x-went-into-resp-headers", "true");
  echo(mutation, received, set, {});
  return reply;
}

void append_body_replies(Half half, std::string_view body, bool end_of_stream, std::string& out) {
  do {
    const std::string_view piece = body.substr(0, kMaxPieceBytes);
    body.remove_prefix(piece.size());
    append_body_reply(half, piece, end_of_stream && body.empty(), out);
  } while (!body.empty());
}

ProcessingResponse trailers_reply(Half half) {
  ProcessingResponse reply;
  if (half == Half::kRequest) {
    reply.mutable_request_trailers();
  } else {
    reply.mutable_response_trailers();
  }
  return reply;
}

ProcessingResponse immediate_reply(int http_status, std::string_view message,
                                   std::string_view reason) {
  return immediate_body_reply(
      http_status, fmt::format("inference error: {} - {}", code_name(http_status), message),
      reason);
}

ProcessingResponse immediate_body_reply(int http_status, std::string_view body,
                                        std::string_view reason) {
  ProcessingResponse reply;
  auto& immediate = *reply.mutable_immediate_response();
  immediate.mutable_status()->set_code(static_cast<envoy::type::v3::StatusCode>(http_status));
  immediate.set_body(std::string(body));
  if (!reason.empty()) {
    set_header(*immediate.mutable_headers(), router::flow::kDroppedReasonHeader, reason);
  }
  return reply;
}

}  // namespace nacelle::epp
