#include "gateway/ports.h"

#include <algorithm>
#include <utility>

#include "gateway/tls.h"
#include "openai/error.h"

namespace nacelle::gateway {
namespace {

net::http::RefusalBody refusal(int status, std::string_view reason) {
  return {"application/json", openai::to_json(openai::http_error(status, std::string(reason)))};
}

std::string key_of(const PortConfig& config) {
  return fmt::format("{}{}", config.tls ? "https " : "http ", config.address.to_string());
}

}  // namespace

Ports::Ports(async::Runtime& runtime, Serve serve, UnboundPorts unbound)
    : runtime_(runtime), serve_(std::move(serve)), unbound_(unbound) {}

Result<Ports::Port> Ports::bind(const PortConfig& config, const GatewayLimits& limits,
                                std::uint32_t id, std::string_view& reason) {
  Port port;
  port.id = id;
  port.key = key_of(config);
  net::http::HttpServerConfig server;
  server.address = config.address;
  server.max_head_bytes = limits.head_bytes;
  server.max_header_count = limits.head_fields;
  server.head_timeout = limits.head_timeout;
  server.body_timeout = limits.body_timeout;
  server.keep_alive_timeout = limits.idle_timeout;
  server.write_stall_timeout = limits.write_timeout;
  server.max_connections = limits.max_connections;
  if (config.tls) {
    reason = kPortInvalid;
    ASSIGN_OR_RETURN(auto context, make_server_tls(config));
    port.tls = std::make_shared<net::TlsServerSource>(std::move(context));
    server.tls = port.tls;
    port.listeners = config.listeners;
  }
  // The number is only known once the port is bound.
  auto number = std::make_shared<std::uint16_t>(std::uint16_t{0});
  auto handler = [this, id = port.id, number](net::http::ServerExchange& exchange) {
    return serve_(exchange, id, *number);
  };
  reason = kPortUnavailable;
  ASSIGN_OR_RETURN(port.server,
                   net::http::HttpServer::bind(runtime_, server, std::move(handler), refusal));
  *number = port.server->port();
  return port;
}

Status Ports::prepare(Snapshot& snapshot) {
  for (Port& port : ports_) port.wanted = port.fresh = false;
  next_left_out_.clear();
  for (PortRuntime& runtime : snapshot.ports) {
    const std::string key = key_of(*runtime.config);
    const bool any = runtime.config->address.port == 0;
    auto known = std::find_if(ports_.begin(), ports_.end(), [&](const Port& port) {
      return port.key == key && !port.wanted && !(any && port.fresh);
    });
    Status fine;
    std::string_view reason = kPortInvalid;
    std::uint32_t id = 0;
    if (known == ports_.end()) {
      id = next_id_++;
      auto port = bind(*runtime.config, snapshot.model.settings.limits, id, reason);
      fine = port.error();
      if (port) known = ports_.insert(ports_.end(), std::move(*port));
    } else if (runtime.config->tls && known->listeners != runtime.config->listeners) {
      auto context = make_server_tls(*runtime.config);
      fine = context.error();
      if (context) {
        known->next_tls = std::move(*context);
        known->next_listeners = runtime.config->listeners;
      }
    }
    if (!fine.ok()) {
      if (unbound_ == UnboundPorts::kRefuse) {
        roll_back();
        return fine;
      }
      const PortConfig& config = *runtime.config;
      next_left_out_.push_back(
          {{config.address.to_string(), std::string(reason), std::string(fine.message())},
           id,
           {config.address, config.tls, config.listeners, {}},
           snapshot.model.settings.limits});
    }
    if (known == ports_.end()) {
      runtime.id = id;  // until it can be bound
      continue;
    }
    known->wanted = true;
    runtime.id = known->id;
  }
  return {};
}

void Ports::roll_back() {
  next_left_out_.clear();
  std::erase_if(ports_, [](const Port& port) { return port.fresh; });
  for (Port& port : ports_) {
    port.wanted = true;
    port.next_tls.reset();
  }
}

Result<std::vector<std::unique_ptr<net::http::HttpServer>>> Ports::commit(bool listening) {
  std::vector<std::unique_ptr<net::http::HttpServer>> retired;
  left_out_ = std::exchange(next_left_out_, {});
  for (Port& port : ports_) {
    port.fresh = false;
    if (port.next_tls) {
      port.tls->replace(std::exchange(port.next_tls, nullptr));
      port.listeners = std::move(port.next_listeners);
    }
    if (!port.wanted) retired.push_back(std::move(port.server));
  }
  std::erase_if(ports_, [](const Port& port) { return !port.wanted; });
  if (listening) RETURN_IF_ERROR(listen());
  return retired;
}

Status Ports::listen() {
  for (Port& port : ports_) {
    if (port.listening) continue;
    RETURN_IF_ERROR(port.server->listen());
    port.listening = true;
  }
  return {};
}

std::vector<UnservedPort> Ports::unserved() const {
  std::vector<UnservedPort> out;
  for (const LeftOut& one : left_out_) out.push_back(one.told);
  return out;
}

void Ports::try_unserved(bool listening) {
  std::erase_if(left_out_, [&](LeftOut& one) {
    if (one.id == 0) return false;
    std::string_view reason;
    auto port = bind(one.config, one.limits, one.id, reason);
    Status fine = port.error();
    if (port && listening) {
      fine = port->server->listen();
      port->listening = fine.ok();
    }
    if (!fine.ok()) {
      one.told.reason = reason;
      one.told.why = fine.message();
      return false;
    }
    port->fresh = false;
    ports_.push_back(std::move(*port));
    return true;
  });
}

std::vector<std::unique_ptr<net::http::HttpServer>> Ports::take_all() {
  left_out_.clear();
  std::vector<std::unique_ptr<net::http::HttpServer>> servers;
  for (Port& port : ports_) servers.push_back(std::move(port.server));
  ports_.clear();
  return servers;
}

std::uint16_t Ports::first_port() const {
  return ports_.empty() ? std::uint16_t{0} : ports_.front().server->port();
}

std::uint64_t Ports::open_connections() const {
  std::uint64_t open = 0;
  for (const Port& port : ports_) open += port.server->stats().connections_open;
  return open;
}

std::vector<std::pair<std::string, std::chrono::system_clock::time_point>> Ports::certificate_ends()
    const {
  std::vector<std::pair<std::string, std::chrono::system_clock::time_point>> ends;
  for (const Port& port : ports_) {
    if (port.tls == nullptr) continue;
    const net::TcpEndpoint& at = port.server->endpoint();
    ends.emplace_back(fmt::format("{}:{}", at.address().to_string(), at.port()),
                      port.tls->current()->expires());
  }
  return ends;
}

}  // namespace nacelle::gateway
