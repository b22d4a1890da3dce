#include "gateway/gateway.h"

#include <algorithm>
#include <array>

#include "openai/error.h"

namespace nacelle::gateway {
namespace {

using net::http::ResponseHead;
using net::http::ServerExchange;

// What a model server offers to clients. Its operational paths (/metrics, /load, ...) stay inside.
constexpr std::array<std::string_view, 6> kForwarded = {
    "/v1/", "/inference/", "/tokenize", "/detokenize", "/version", "/invocations"};

bool is_forwarded(std::string_view path) {
  return std::any_of(kForwarded.begin(), kForwarded.end(),
                     [path](std::string_view prefix) { return path.starts_with(prefix); });
}

async::Task<void> respond(ServerExchange& exchange, int status, std::string_view type,
                          std::string body) {
  ResponseHead head;
  head.status = status;
  if (!type.empty()) head.headers.add("content-type", type);
  (void)co_await exchange.respond(head, body);
}

async::Task<void> respond_error(ServerExchange& exchange, int status, std::string message) {
  std::string body = openai::to_json(openai::http_error(status, std::move(message)));
  co_await respond(exchange, status, "application/json", std::move(body));
}

net::http::RefusalBody refusal(int status, std::string_view reason) {
  return {"application/json", openai::to_json(openai::http_error(status, std::string(reason)))};
}

}  // namespace

Gateway::Gateway(async::Runtime& runtime, GatewayConfig config, EndpointPicker& picker)
    : runtime_(runtime), config_(std::move(config)), picker_(picker) {
  for (std::size_t i = 0; i < runtime_.size(); ++i) {
    forwarders_.push_back(
        std::make_unique<Forwarder>(runtime_.loop(i), config_.limits, picker_, own_metrics_));
  }
}

Status Gateway::bind() {
  net::http::HttpServerConfig server;
  server.address = config_.listen;
  ASSIGN_OR_RETURN(
      clients_,
      net::http::HttpServer::bind(
          runtime_, server, [this](ServerExchange& exchange) { return serve(exchange); }, refusal));
  net::http::HttpServerConfig admin;
  admin.address = config_.admin;
  ASSIGN_OR_RETURN(
      admin_, net::http::HttpServer::bind(
                  runtime_, admin,
                  [this](ServerExchange& exchange) { return serve_admin(exchange); }, refusal));
  return {};
}

Status Gateway::listen() {
  RETURN_IF_ERROR(admin_->listen());
  return clients_->listen();
}

async::Task<Status> Gateway::drain(TimePoint deadline) {
  Status drained = co_await clients_->drain(deadline);
  const Status admin = co_await admin_->drain(std::max(deadline, std::chrono::steady_clock::now()));
  co_return drained.ok() ? admin : drained;
}

async::Task<void> Gateway::serve(ServerExchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (is_forwarded(path)) {
    co_await forwarders_[exchange.loop().index()]->forward(exchange);
  } else if (path == "/health" || path == "/ping") {
    co_await respond(exchange, picker_.any_serving() ? 200 : 503, "", "");
  } else {
    std::string message = fmt::format("Not Found: {} {}", exchange.request().method, path);
    co_await respond_error(exchange, 404, std::move(message));
  }
}

async::Task<void> Gateway::serve_admin(ServerExchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (path == "/metrics") {
    co_await respond(exchange, 200, telemetry::Metrics::kTextContentType, metrics_.serialize());
  } else if (path == "/endpoints") {
    co_await respond(exchange, 200, "application/json", picker_.describe());
  } else if (path == "/health") {
    co_await respond(exchange, picker_.any_serving() ? 200 : 503, "", "");
  } else {
    co_await respond_error(exchange, 404,
                           "Not Found; the admin port has /health, /metrics and /endpoints");
  }
}

}  // namespace nacelle::gateway
