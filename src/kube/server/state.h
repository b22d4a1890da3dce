// state.h: what all requests of one API server share.
//
// Home:    any thread after start.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "kube/api_server.h"
#include "kube/server/documents.h"
#include "kube/server/registry_source.h"
#include "kube/server/service_addresses.h"
#include "kube/server/tokens.h"
#include "kube/store.h"

namespace nacelle::kube::server {

struct State {
  explicit State(ApiServerOptions given)
      : options(std::move(given)), registry(options.converters, names_of_sources()) {}

  const ApiServerOptions options;
  std::unique_ptr<Store> store;
  RegistrySource registry;
  std::unique_ptr<const Tokens> tokens;  // null: nobody is asked who they are
  Documents documents;
  std::string ca_pem;
  std::string server_address;  // "127.0.0.1:6443"
  std::unique_ptr<ServiceAddresses> service_addresses;
  std::atomic<bool> draining{false};

  [[nodiscard]] std::int64_t now_s() const;  // seconds since 1970, by the wall clock

 private:
  [[nodiscard]] std::set<std::string> names_of_sources() const;
};

// Random, lower case, version 4.
[[nodiscard]] std::string new_uid();
// Five characters for generated names.
[[nodiscard]] std::string new_suffix();
// An address of the services' range that no Service has; "" when all are taken.
[[nodiscard]] std::string new_cluster_ip(State& state);
[[nodiscard]] std::string default_storage_class(const State& state);

}  // namespace nacelle::kube::server
