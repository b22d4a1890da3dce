// Rules that answer by themselves.
#include <optional>

#include "gateway/filter/cors.h"
#include "gateway/filter/rewrite.h"
#include "gateway/forward/local_reply.h"
#include "gateway/forwarder.h"
#include "gateway/route/host_pattern.h"

namespace nacelle::gateway {

using net::http::RequestHead;
using net::http::ResponseHead;

// Redirects, preflights and rules that cannot be served need no body and no backend.
std::optional<LocalReply> Forwarder::answer_by_filter(Request& request) {
  const RuleConfig& rule = *request.rule->config;
  const RequestHead& head = request.exchange.request();
  const bool refused = rule.invalid || request.rule->levels.empty();
  if (!rule.cors && !rule.filters.redirect && !rule.direct && !refused) return std::nullopt;
  LocalReply answer;
  if (rule.cors && Cors::is_preflight(head)) {
    const ResponseHead preflight = rule.cors->preflight(head);
    answer.status = preflight.status;
    answer.headers = preflight.headers;
    answer.details = "direct_response";
  } else if (rule.filters.redirect) {
    const std::string host = host_of(head.host());
    RedirectSource source;
    source.scheme = request.tls ? "https" : "http";
    source.host = host;
    source.listener_port = request.port_number;
    source.path = request.path;
    source.query = request.query;
    source.prefix = request.entry->match.path.value;
    answer.status = rule.filters.redirect->status;
    answer.headers.add("location", location_of(*rule.filters.redirect, source));
    answer.details = "direct_response";
    if (rule.filters.response_headers) rule.filters.response_headers->apply(answer.headers);
  } else if (rule.direct && !rule.invalid) {
    answer.status = rule.direct->status;
    answer.headers.add("content-type", rule.direct->content_type);
    answer.body = rule.direct->body;
    answer.message = "The route answers every request so.";
    answer.details = "direct_response";
    if (rule.filters.response_headers) rule.filters.response_headers->apply(answer.headers);
  } else if (refused) {
    answer.message = "The route has no backend that could be asked.";
    answer.details = "no_backend";
  } else {
    return std::nullopt;
  }
  return answer;
}

}  // namespace nacelle::gateway
