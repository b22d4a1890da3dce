#include "gateway/upstream/health_checker.h"

namespace nacelle::gateway {
namespace {

async::Task<void> watch(async::StopScope* scope, net::http::HttpClient* client,
                        HealthCheckConfig config, net::http::ClientOptions options,
                        std::weak_ptr<ClusterPicker> picker, std::size_t endpoint,
                        net::HostPort address) {
  options.connect_timeout = options.head_timeout = options.read_idle_timeout = config.timeout;
  bool healthy = true;
  std::uint32_t streak = 0;  // results in a row that speak against `healthy`
  for (;;) {
    if (picker.expired()) co_return;
    bool good = false;
    {
      net::http::RequestHead head;
      head.target = config.path;
      net::http::ClientExchange exchange(*client);
      const Status sent = co_await exchange.send(address, head, {}, options);
      good = sent.ok() && exchange.response().status / 100 == 2;
      if (sent.ok()) (void)co_await exchange.read_body(64 << 10);
    }
    streak = good == healthy ? 0 : streak + 1;
    if (streak >= (healthy ? config.unhealthy : config.healthy)) {
      healthy = good;
      streak = 0;
      if (const auto alive = picker.lock()) alive->set_healthy(endpoint, healthy);
    }
    if (const bool more = co_await scope->sleep(config.interval); !more) co_return;
  }
}

}  // namespace

void start_health_checks(async::StopScope& scope, net::http::HttpClient& client,
                         const HealthCheckConfig& config, const net::http::ClientOptions& options,
                         const std::shared_ptr<ClusterPicker>& picker) {
  for (std::size_t i = 0; i < picker->addresses().size(); ++i) {
    auto address = net::parse_host_port(picker->addresses()[i]);
    if (address) scope.spawn(watch(&scope, &client, config, options, picker, i, *address));
  }
}

}  // namespace nacelle::gateway
