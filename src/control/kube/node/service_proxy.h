// service_proxy.h: what Services are on this machine: their cluster addresses forward to their
// endpoints, and their names stand in a file that containers see as /etc/hosts.
//
// There is no DNS server: names are answered by files, which resolvers read anew for every lookup.
// One file per namespace that has asked, written again within kSettle of a change, in place, since
// containers hold it mounted.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  an address and port that cannot be listened on (a port below 1024 without the right to,
//          a port of a program that listens on every address) is told as an event of the Service
//          and tried again every kTryAgain.
// Bounds:  those of ServiceForwarder per port.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_scope.h"
#include "control/core/service_routes.h"
#include "control/kube/node/event_recorder.h"
#include "control/local/service_forwarder.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace nacelle::control::node {

class ServiceProxy {
 public:
  static constexpr Duration kTryAgain = 10s;
  static constexpr Duration kSettle = 100ms;

  // `services` outlives the proxy; its owner tells of changes. `folder` is for the files of names.
  // `forward` false: names only.
  ServiceProxy(kube::Client& client, const kube::Informer& services, std::filesystem::path folder,
               bool forward);
  ~ServiceProxy();

  void start();
  [[nodiscard]] async::Task<void> stop();

  void service_changed(const kube::ObjectKey& key);

  // The file with the names as a namespace sees them; "" when it cannot be written.
  [[nodiscard]] std::filesystem::path hosts_file(const std::string& name_space);

 private:
  using Address = std::pair<std::string, std::uint16_t>;
  struct Forwarder {
    kube::ObjectKey service;
    std::unique_ptr<ServiceForwarder> forwarder;
  };

  async::Task<void> run();
  [[nodiscard]] async::Task<void> reconcile(kube::ObjectKey key);
  [[nodiscard]] std::vector<const kube::Json*> slices_of(const kube::ObjectKey& key,
                                                         std::vector<kube::CachedObject>& hold);
  // False when it cannot be listened on.
  [[nodiscard]] bool open(const kube::ObjectKey& key, const ServiceRoute& route);
  void tell(const kube::ObjectKey& key, const char* reason, std::string message);
  async::Task<void> write_names();
  [[nodiscard]] std::vector<ServiceName> names();
  [[nodiscard]] Status write_hosts(const std::string& name_space,
                                   const std::vector<ServiceName>& names);

  kube::Client& client_;
  const kube::Informer& services_;
  const std::filesystem::path folder_;
  const bool forward_;
  kube::Informer slices_;
  EventRecorder events_;
  std::map<Address, Forwarder> forwarders_;
  std::set<kube::ObjectKey> dirty_;
  std::map<kube::ObjectKey, TimePoint> again_;
  std::map<std::string, std::string> hosts_;  // by namespace: the text as it was written
  async::Event changed_;
  async::Event names_changed_;
  async::StopScope scope_;
};

}  // namespace nacelle::control::node
