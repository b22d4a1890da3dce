#include "gateway/observe/exchange_span.h"

#include "gateway/observe/access_line.h"

namespace nacelle::gateway {

tracing::Span span_of(const ExchangeRecord& r) {
  std::string name = r.method + " ";
  name += r.route.empty() ? std::string_view("unmatched") : r.route;
  tracing::Span span = tracing::own_span(r.trace, name);
  span.attributes.reserve(16);
  span.text("http.request.method", r.method);
  span.text("url.path", redact_target(r.path));
  if (r.status > 0) {
    span.number("http.response.status_code", static_cast<std::uint64_t>(r.status));
  }
  span.text("server.address", r.authority);
  span.text("client.address", r.peer);
  span.text("user_agent.original", r.user_agent);
  span.text("nacelle.request_id", r.request_id);
  span.text("nacelle.route", r.route);
  span.text("upstream.cluster", r.cluster);
  span.text("upstream.address", r.upstream_host);
  span.text("response_flags", r.flags);
  span.text("session.id", r.session);
  span.text("gen_ai.request.model", r.model);
  span.text("gen_ai.response.model", r.response_model);
  span.text("gen_ai.provider.name", r.provider);
  if (r.tokens) {
    span.number("gen_ai.usage.input_tokens", r.tokens->input);
    span.number("gen_ai.usage.output_tokens", r.tokens->output);
  }
  const tracing::WallClock clock{r.started_at, r.started};
  span.begin = r.started_at;
  span.end = clock.at(r.ended);
  if (r.first_byte != TimePoint{}) span.events.push_back({clock.at(r.first_byte), "first byte"});
  span.failed = r.status == 0 || r.status >= 500;
  return span;
}

}  // namespace nacelle::gateway
