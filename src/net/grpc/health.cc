#include "net/grpc/health.h"

#include <memory>

#include "grpc/health/v1/health.pb.h"
#include "net/grpc/typed.h"

namespace nacelle::net::grpc {

namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::grpc::health::v1::HealthListRequest;
using ::grpc::health::v1::HealthListResponse;
using Service = std::shared_ptr<const HealthService>;

void set(HealthCheckResponse& response, Health health) {
  response.set_status(static_cast<HealthCheckResponse::ServingStatus>(static_cast<int>(health)));
}

async::Task<Result<HealthCheckResponse>> check(Service service, HealthCheckRequest request) {
  const std::optional<Health> health =
      service->lookup ? service->lookup(request.service()) : Health::kServing;
  if (!health.has_value()) co_return not_found("unknown service {}", request.service());
  HealthCheckResponse response;
  set(response, *health);
  co_return response;
}

async::Task<Result<HealthListResponse>> list(Service service) {
  HealthListResponse response;
  if (service->list) {
    for (const auto& [name, health] : service->list()) {
      set((*response.mutable_statuses())[name], health);
    }
  }
  co_return response;
}

async::Task<Status> watch() { co_return unimplemented("Watch is not supported; use Check"); }

}  // namespace

void add_health(Server& server, HealthService functions) {
  const auto service = std::make_shared<const HealthService>(std::move(functions));
  server.add("/grpc.health.v1.Health/Check",
             unary<HealthCheckRequest, HealthCheckResponse>(
                 [service](ServerCall&, HealthCheckRequest request) {
                   return check(service, std::move(request));
                 }));
  server.add("/grpc.health.v1.Health/List",
             unary<HealthListRequest, HealthListResponse>(
                 [service](ServerCall&, HealthListRequest) { return list(service); }));
  server.add("/grpc.health.v1.Health/Watch", [](ServerCall&) { return watch(); });
}

}  // namespace nacelle::net::grpc
