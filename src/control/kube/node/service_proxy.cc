#include "control/kube/node/service_proxy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "control/local/spawn.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
namespace log = telemetry::log;
using kube::Json;

TimePoint now() { return std::chrono::steady_clock::now(); }

kube::InformerOptions slice_options() {
  kube::InformerOptions out;
  out.resource = kube::Resource("discovery.k8s.io", "v1", "endpointslices");
  return out;
}

kube::ObjectKey service_of(const Json& slice) {
  const Json& labels = kube::map_at(slice, {"metadata", "labels"});
  const Json name = labels.value("kubernetes.io/service-name", Json());
  return {std::string(kube::text_at(slice, {"metadata", "namespace"})),
          name.is_string() ? name.get<std::string>() : std::string()};
}

// In place, never shorter than both texts while it is written: those who read it see old lines or
// new ones.
Status write_in_place(const fs::path& path, const std::string& text) {
  const OwnedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file.open()) return unavailable("{}: {}", path.string(), std::strerror(errno));
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put =
        ::pwrite(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (put < 0) return unavailable("{}: {}", path.string(), std::strerror(errno));
    at += static_cast<std::size_t>(put);
  }
  if (::ftruncate(file.get(), static_cast<off_t>(text.size())) != 0) {
    return unavailable("{}: {}", path.string(), std::strerror(errno));
  }
  return {};
}

}  // namespace

ServiceProxy::ServiceProxy(kube::Client& client, const kube::Informer& services, fs::path folder,
                           bool forward)
    : client_(client),
      services_(services),
      folder_(std::move(folder)),
      forward_(forward),
      slices_(client, slice_options(),
              [this](std::span<const kube::ObjectChange> changes) {
                for (const kube::ObjectChange& change : changes) {
                  if (change.before != nullptr) service_changed(service_of(*change.before));
                  if (change.now != nullptr) service_changed(service_of(*change.now));
                }
                if (changes.empty()) changed_.set();
              }),
      events_(client, "service-proxy"),
      changed_(client.loop()),
      names_changed_(client.loop()),
      scope_(client.loop()) {
  slices_.add_index("service", [](const Json& slice) -> std::vector<std::string> {
    return {service_of(slice).to_string()};
  });
}

ServiceProxy::~ServiceProxy() = default;

void ServiceProxy::start() {
  for (const auto& [key, service] : services_.objects()) dirty_.insert(key);
  changed_.set();
  events_.start();
  slices_.start();
  scope_.spawn(run());
  scope_.spawn(write_names());
}

async::Task<void> ServiceProxy::stop() {
  co_await slices_.stop();
  scope_.stop();
  changed_.set();
  names_changed_.set();
  co_await scope_.join();
  for (auto& [address, one] : forwarders_) co_await one.forwarder->stop();
  forwarders_.clear();
  co_await events_.stop();
}

void ServiceProxy::service_changed(const kube::ObjectKey& key) {
  if (key.name.empty()) return;
  dirty_.insert(key);
  changed_.set();
  names_changed_.set();
}

std::vector<const Json*> ServiceProxy::slices_of(const kube::ObjectKey& key,
                                                 std::vector<kube::CachedObject>& hold) {
  hold = slices_.find("service", key.to_string());
  std::vector<const Json*> out;
  for (const kube::CachedObject& one : hold) out.push_back(one.get());
  return out;
}

async::Task<void> ServiceProxy::run() {
  while (!scope_.stop_requested()) {
    changed_.reset();
    for (auto one = again_.begin(); one != again_.end();) {
      if (one->second <= now()) {
        dirty_.insert(one->first);
        one = again_.erase(one);
      } else {
        ++one;
      }
    }
    // Before the first list of endpoints a Service would lose those it has.
    while (!dirty_.empty() && slices_.synced() && !scope_.stop_requested()) {
      kube::ObjectKey key = *dirty_.begin();
      dirty_.erase(dirty_.begin());
      if (forward_) co_await reconcile(std::move(key));
    }
    TimePoint wake = async::kNoDeadline;
    for (const auto& [key, at] : again_) wake = std::min(wake, at);
    if (scope_.stop_requested()) co_return;
    (void)co_await changed_.wait(wake);
  }
}

async::Task<void> ServiceProxy::reconcile(kube::ObjectKey key) {
  const kube::CachedObject service = services_.get(key);
  std::vector<ServiceRoute> routes;
  std::vector<kube::CachedObject> hold;
  if (service != nullptr) {
    routes = service_routes(*service, slices_of(key, hold));
    for (const std::string& protocol : unforwarded(*service)) {
      tell(key, "NotForwarded", fmt::format("ports of protocol {} are not forwarded", protocol));
    }
  }
  std::vector<std::unique_ptr<ServiceForwarder>> closed;
  for (auto one = forwarders_.begin(); one != forwarders_.end();) {
    const bool wanted = std::any_of(routes.begin(), routes.end(), [&](const ServiceRoute& route) {
      return Address(route.address, route.port) == one->first;
    });
    if (one->second.service != key || wanted) {
      ++one;
      continue;
    }
    closed.push_back(std::move(one->second.forwarder));
    one = forwarders_.erase(one);
  }
  for (const auto& one : closed) co_await one->stop();
  again_.erase(key);
  for (const ServiceRoute& route : routes) {
    if (!open(key, route)) again_[key] = now() + kTryAgain;
  }
}

bool ServiceProxy::open(const kube::ObjectKey& key, const ServiceRoute& route) {
  const Address address(route.address, route.port);
  auto found = forwarders_.find(address);
  if (found == forwarders_.end()) {
    auto forwarder = std::make_unique<ServiceForwarder>(client_.loop());
    const Status listens = forwarder->listen({route.address, route.port});
    if (!listens.ok()) {
      tell(key, "NotForwarded",
           fmt::format("{}:{} cannot be listened on: {}", route.address, route.port,
                       listens.message()));
      return false;
    }
    found = forwarders_.emplace(address, Forwarder{key, std::move(forwarder)}).first;
  }
  if (found->second.service != key) {
    tell(key, "NotForwarded",
         fmt::format("{}:{} belongs to service {}", route.address, route.port,
                     found->second.service.to_string()));
    return false;
  }
  std::vector<net::TcpEndpoint> ready;
  for (const ServiceEndpoint& endpoint : route.endpoints) {
    if (auto literal = net::literal_endpoint({endpoint.address, endpoint.port})) {
      ready.push_back(*literal);
    }
  }
  found->second.forwarder->set_endpoints(std::move(ready));
  return true;
}

void ServiceProxy::tell(const kube::ObjectKey& key, const char* reason, std::string message) {
  EventFact fact;
  fact.subject.kind = "Service";
  fact.subject.name_space = key.name_space;
  fact.subject.name = key.name;
  if (const auto service = services_.get(key)) {
    fact.subject.uid = kube::text_at(*service, {"metadata", "uid"});
  }
  fact.warning = true;
  fact.reason = reason;
  fact.message = std::move(message);
  events_.record(fact);
}

std::vector<ServiceName> ServiceProxy::names() {
  std::vector<ServiceName> out;
  std::vector<kube::CachedObject> hold;
  for (const auto& [key, service] : services_.objects()) {
    for (ServiceName& name : service_names(*service, slices_of(key, hold))) {
      out.push_back(std::move(name));
    }
  }
  return out;
}

Status ServiceProxy::write_hosts(const std::string& name_space,
                                 const std::vector<ServiceName>& names) {
  const Result<std::string> base = read_file("/etc/hosts");
  std::string text = hosts_text(base.ok() ? *base : "127.0.0.1\tlocalhost\n", name_space, names);
  std::string& written = hosts_[name_space];
  if (written == text) return {};
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return unavailable("{}: {}", folder_.string(), error.message());
  RETURN_IF_ERROR(write_in_place(folder_ / name_space, text));
  written = std::move(text);
  return {};
}

async::Task<void> ServiceProxy::write_names() {
  while (!scope_.stop_requested()) {
    (void)co_await names_changed_.wait();
    if (const bool slept = co_await scope_.sleep(kSettle); !slept) co_return;
    names_changed_.reset();
    if (hosts_.empty()) continue;
    const std::vector<ServiceName> all = names();
    std::vector<std::string> spaces;
    for (const auto& [name_space, text] : hosts_) spaces.push_back(name_space);
    for (const std::string& name_space : spaces) {
      const Status written = write_hosts(name_space, all);
      if (!written.ok()) log::warn("names of services cannot be written", {{"why", written}});
    }
  }
}

fs::path ServiceProxy::hosts_file(const std::string& name_space) {
  if (name_space.empty() || name_space.front() == '.' ||
      name_space.find('/') != std::string::npos) {
    return {};  // no name of a file
  }
  if (const auto known = hosts_.find(name_space); known != hosts_.end() && !known->second.empty()) {
    return folder_ / name_space;
  }
  const Status written = write_hosts(name_space, names());
  if (written.ok()) return folder_ / name_space;
  log::warn("names of services cannot be written", {{"why", written}});
  return {};
}

}  // namespace nacelle::control::node
