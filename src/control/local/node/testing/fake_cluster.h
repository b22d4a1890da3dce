// fake_cluster.h: the API as the node agent sees it, in memory, and waiting for what it is told.
//
// Home:    the agent's loop.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/timer.h"
#include "control/local/node/pod_api.h"

namespace nacelle::control::node::testing {

class FakeCluster final : public PodApi, public NodeInputs {
 public:
  explicit FakeCluster(async::Loop& loop) : changed_(loop) {}

  async::Task<Status> write_status(PodKey pod, pod::Json status) override {
    statuses[pod.uid] = std::move(status);
    changed_.pulse();
    co_return Status();
  }
  async::Task<Status> remove(PodKey pod) override {
    removed.insert(pod.uid);
    changed_.pulse();
    co_return Status();
  }
  void record(const PodKey&, const pod::PodEvent& event) override {
    events.push_back(event.reason + ": " + event.message);
    changed_.pulse();
  }
  std::shared_ptr<const pod::StringMap> config(pod::ConfigKind kind, std::string_view,
                                               std::string_view name) const override {
    const auto found = configs.find(fmt::format("{}/{}", to_string(kind), name));
    return found == configs.end() ? nullptr : std::make_shared<const pod::StringMap>(found->second);
  }
  std::vector<pod::ServiceInfo> services(std::string_view) const override { return {}; }
  Result<std::filesystem::path> claim_folder(std::string_view,
                                             std::string_view claim) const override {
    const auto found = claims.find(std::string(claim));
    if (found == claims.end()) return failed_precondition("claim {} is not bound", claim);
    return found->second;
  }
  Result<std::string> service_token(const pod::PodSpec&, const pod::TokenVolume&) const override {
    return std::string("token");
  }

  // False when `condition` has not come true within half a minute.
  async::Task<bool> wait(std::function<bool()> condition) {
    const TimePoint deadline = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) co_return false;
      // The pulse says that something was told; some conditions are about files.
      (void)co_await changed_.wait(std::min(deadline, std::chrono::steady_clock::now() + 50ms));
    }
    co_return true;
  }

  // Of the newest status; null where there is none.
  pod::Json container(const std::string& uid, std::size_t index = 0) const {
    const auto found = statuses.find(uid);
    if (found == statuses.end()) return nullptr;
    return found->second["containerStatuses"][index];
  }
  std::string phase(const std::string& uid) const {
    const auto found = statuses.find(uid);
    return found == statuses.end() ? "" : found->second["phase"].get<std::string>();
  }
  bool ready(const std::string& uid) const {
    const pod::Json status = container(uid);
    return status.is_object() && status["ready"] == true;
  }
  std::string waiting(const std::string& uid) const {
    const pod::Json status = container(uid);
    if (!status.is_object() || !status["state"].contains("waiting")) return "";
    return status["state"]["waiting"]["reason"];
  }

  std::map<std::string, pod::Json> statuses;
  std::set<std::string> removed;
  std::vector<std::string> events;
  std::map<std::string, pod::StringMap> configs;  // "configmap/name"
  std::map<std::string, std::filesystem::path> claims;

 private:
  async::Event changed_;
};

}  // namespace nacelle::control::node::testing
