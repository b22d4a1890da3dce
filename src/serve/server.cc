#include "serve/server.h"

#include <algorithm>

#include "engine/engine.h"
#include "openai/error.h"
#include "serve/http/auth.h"
#include "serve/http/call.h"
#include "serve/http/cors.h"
#include "serve/http/router.h"
#include "serve/server_state.h"
#include "telemetry/log.h"

namespace nacelle::serve {
namespace {

// All that is wrong, one sentence each.
Status validate(const ServerConfig& config) {
  std::string problems;
  const auto require = [&](bool holds, std::string_view problem) {
    if (!holds) problems.append(problems.empty() ? "" : " ").append(problem);
  };
  require(!config.served_model_names.empty(), "At least one served model name is needed.");
  require(config.max_model_len > 0, "max_model_len must be at least 1.");
  require(config.vocab_size > 0, "vocab_size must be at least 1.");
  require(config.max_n > 0, "max_n must be at least 1.");
  require(config.max_logprobs >= -1, "max_logprobs must be at least -1.");
  require(config.max_body_bytes > 0, "max_body_bytes must be at least 1.");
  require(config.tool_call_parser.empty() || config.tool_call_parser == "hermes",
          "tool_call_parser must be hermes or unset.");
  require(!config.enable_auto_tool_choice || !config.tool_call_parser.empty(),
          "enable_auto_tool_choice needs a tool_call_parser.");
  const auto& kwargs = config.default_chat_template_kwargs;
  require(kwargs.is_null() || kwargs.is_object(),
          "default_chat_template_kwargs must be an object.");
  if (problems.empty()) return {};
  return invalid_argument("{}", problems);
}

async::Task<void> answer_preflight(Call& call, const CorsConfig& cors) {
  net::http::Headers headers;
  const bool allowed = add_preflight_headers(call.request(), cors, headers);
  for (const auto& field : headers) call.add_header(field.name, field.value);
  return call.reply(allowed ? 200 : 400, "text/plain; charset=utf-8",
                    allowed ? "OK" : "Disallowed CORS request");
}

async::Task<void> dispatch(ServerState& state, Call& call, RouteMatch match) {
  if (is_preflight(call.request())) return answer_preflight(call, state.config.cors);
  if (!authorized(call.request(), state.config.api_keys)) {
    return call.reply(401, Call::kJson, std::string(openai::kUnauthorizedBody));
  }
  if (match.route == nullptr) return call.reply_error(openai::http_error(404));
  if (!match.method_allowed) {
    call.add_header("allow", match.route->methods);
    return call.reply_error(openai::http_error(405));
  }
  return match.route->endpoint(state, call);
}

void log_access(const ServerState& state, const Call& call, int status, Duration duration) {
  if (!state.config.access_log) return;
  const std::string path(call.request().path());
  if (state.config.access_log_excluded_paths.contains(path)) return;
  log::info("request", {{"method", call.request().method},
                        {"path", openai::excerpt(path)},
                        {"status", status},
                        {"seconds", to_seconds(duration)}});
}

async::Task<void> handle(ServerState* state, net::http::ServerExchange& exchange) {
  Call call(exchange, state->config);
  const RouteMatch match = find_route(call.request().path(), call.request().method);
  co_await dispatch(*state, call, match);

  // 499, as proxies say: the client left before it had an answer.
  constexpr int kClientClosedRequest = 499;
  const int status = call.status() != 0 ? call.status() : kClientClosedRequest;
  const Duration duration = std::chrono::steady_clock::now() - call.arrival();
  // Labels come from closed sets: unknown paths and methods share one value each.
  const bool known = match.route != nullptr && match.method_allowed;
  state->http_metrics.observe_request(match.route != nullptr ? match.route->path : "none",
                                      known ? call.request().method : "other", status, duration);
  log_access(*state, call, status, duration);
}

net::http::RefusalBody format_refusal(int status, std::string_view reason) {
  return {Call::kJson, openai::to_json(openai::http_error(status, std::string(reason)))};
}

}  // namespace

struct OpenAiServer::Impl {
  std::unique_ptr<ServerState> state;  // set by start(), before anything is accepted
  std::unique_ptr<net::http::HttpServer> http;
};

OpenAiServer::OpenAiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OpenAiServer::~OpenAiServer() = default;

Result<std::unique_ptr<OpenAiServer>> OpenAiServer::bind(async::Runtime& runtime,
                                                         net::http::HttpServerConfig http_config) {
  auto impl = std::make_unique<Impl>();
  const auto handler = [impl = impl.get()](net::http::ServerExchange& exchange) {
    return handle(impl->state.get(), exchange);
  };
  ASSIGN_OR_RETURN(impl->http, net::http::HttpServer::bind(runtime, std::move(http_config), handler,
                                                           &format_refusal));
  return std::unique_ptr<OpenAiServer>(new OpenAiServer(std::move(impl)));
}

Status OpenAiServer::start(ServerConfig config, ServerParts parts) {
  RETURN_IF_ERROR(validate(config));
  impl_->state = std::make_unique<ServerState>(std::move(config), std::move(parts));
  return impl_->http->listen();
}

async::Task<Status> OpenAiServer::drain(TimePoint deadline) {
  if (impl_->state) impl_->state->draining = true;
  Status drained = co_await impl_->http->drain(deadline);
  co_return drained;
}

std::uint16_t OpenAiServer::port() const { return impl_->http->port(); }

}  // namespace nacelle::serve
