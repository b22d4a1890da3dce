// api_server.h: a Kubernetes-compatible API server in this process.
//
//   ASSIGN_OR_RETURN(auto api, ApiServer::start(runtime, {.folder = data / "api"}));
//   LocalTransport local(loop, api->handler());     // controllers of this process: no sockets
//   ... `kubectl --kubeconfig data/api/kubeconfig` from outside ...
//   co_await api->stop();
//
// The folder holds the store, a CA with a server certificate, the key that signs tokens, the
// administrator's token and a kubeconfig (all 0600); what is missing is made at the first start.
//
// Everyone who shows a valid token may do everything: there are no roles here.
//
// Home:    start() and stop() on any thread or loop that says so below; handler() runs on the loop
//          of its exchange.
// Errors:  start(): unavailable (the folder or the port is in use), data_loss (the store is
// damaged;
//          a copy is kept), permission_denied.
// Bounds:  bodies of 3 MiB; those of the store (store.h); a watcher that takes nothing for a minute
//          or falls behind the history is cut.
// Source:  kubernetes-api.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "async/task.h"
#include "base/result.h"
#include "kube/admission.h"
#include "kube/object.h"
#include "kube/store.h"
#include "net/http/server.h"

namespace nacelle::kube {

// Logs of a container, as the node agent has them.
struct PodLogQuery {
  ObjectKey pod;
  std::string container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<std::int64_t> tail_lines, since_seconds, limit_bytes;
  std::string since_time;
};

class PodLogStream {
 public:
  virtual ~PodLogStream() = default;
  // The next piece; empty at the end. While following it waits for more; nullopt when there is none
  // at the deadline.
  [[nodiscard]] virtual async::Task<Result<std::optional<std::string>>> next(
      TimePoint deadline) = 0;
};

class PodLogs {
 public:
  virtual ~PodLogs() = default;
  // Errors become HTTP 400 (failed_precondition: "container ... is waiting to start"), 404, 500.
  [[nodiscard]] virtual async::Task<Result<std::unique_ptr<PodLogStream>>> open(
      async::Loop& loop, PodLogQuery query) = 0;
};

// Objects that nobody stores, read when somebody asks, as those of an aggregated API:
// metrics.k8s.io.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  // The objects of a collection in a namespace ("": in all), with name, namespace and labels, as
  // they are now. An error becomes HTTP 503.
  [[nodiscard]] virtual async::Task<Result<std::vector<Json>>> read(async::Loop& loop,
                                                                    std::string collection,
                                                                    std::string name_space) = 0;
};

// What an API server says of itself to whom it starts for.
struct ApiServerOptions {
  std::filesystem::path folder;
  net::HostPort address{"127.0.0.1", 0};  // port 0: the kernel chooses
  bool serve_http = true;                 // false: only handler()
  bool tls = true;
  std::vector<std::string> names;  // more names and addresses of the certificate
  // Addresses of Services. One that has another loopback address, since the server had another
  // range before, gets a new one at the start.
  std::string service_range = "127.96.0.0/16";
  std::vector<Json> objects;  // made at the start where they are absent: CRDs, StorageClasses
  // By "plural.group": CRDs whose versions differ in more than their name.
  std::map<std::string, std::function<Json(Json object, std::string_view to_version)>, std::less<>>
      converters;
  Admissions admissions;
  PodLogs* pod_logs = nullptr;  // outlives the server; null: logs are answered by 501
  // By collection ("pods.metrics.k8s.io"), of kinds that are computed; without one a kind is not
  // served. They outlive the server.
  std::map<std::string, ObjectSource*, std::less<>> sources;
  std::function<std::int64_t()> wall_clock;  // seconds since 1970; null: the machine's
  StoreOptions store;                        // `folder` is set by the server
};

class ApiServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start(async::Runtime& runtime,
                                                                ApiServerOptions options);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // The API as an HTTP handler that trusts its caller as the administrator: for the transports of
  // this process. Must not outlive the server.
  [[nodiscard]] net::http::Handler handler();

  [[nodiscard]] std::uint16_t port() const;  // 0 without serve_http
  [[nodiscard]] std::string url() const;
  [[nodiscard]] const std::filesystem::path& kubeconfig() const;
  [[nodiscard]] Store& store();

  // Ends watches, lets requests in flight finish, stops the controllers. Before the runtime stops.
  [[nodiscard]] async::Task<void> stop();

 private:
  struct Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::kube
