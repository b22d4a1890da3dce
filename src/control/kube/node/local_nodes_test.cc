#include "control/kube/node/local_nodes.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "base/check.h"
#include "control/kube/node/testing/local_cluster.h"
#include "control/local/node/mount_tree.h"

namespace nacelle::control::node {
namespace {

using testing::condition_message;
using testing::condition_of;
using ::testing::HasSubstr;
using testing::is_ready;
using testing::Json;
using testing::LocalCluster;
using testing::phase_of;
using testing::shell_pod;

const std::string kPods = LocalCluster::kPods;

std::string text(const Json& object, kube::Path path) {
  return std::string(kube::text_at(object, path));
}

// Reason and message of the first container's waiting state.
std::string waiting_of(const Json& pod) {
  const Json& statuses = kube::list_at(pod, {"status", "containerStatuses"});
  if (statuses.empty()) return "";
  return text(statuses[0], {"state", "waiting", "reason"});
}

std::vector<std::string> event_reasons(LocalCluster& cluster, const std::string& object) {
  std::vector<std::string> out;
  const Json list = cluster.api().get("/api/v1/namespaces/default/events").body;
  for (const Json& event : kube::list_at(list, {"items"})) {
    if (text(event, {"involvedObject", "name"}) == object) out.push_back(text(event, {"reason"}));
  }
  return out;
}

TEST(LocalNodes, APodRunsAnswersItsProbeTellsItsLogAndEnds) {
  LocalCluster cluster;
  ASSERT_TRUE(cluster.start_nodes().ok());
  const Json node = cluster.await(LocalCluster::kNodes, "node-1", [](const Json& object) {
    return is_ready(object) && !kube::map_at(object, {"status", "allocatable"}).empty();
  });
  EXPECT_EQ(node["spec"]["podCIDR"], "127.64.0.0/20");

  Json pod = shell_pod("web",
                       "echo hello $NAME from $NODE; touch up; while [ ! -f more ]; do "
                       "sleep 0.01; done; echo and more; while :; do sleep 0.01; done");
  pod["spec"]["containers"][0]["env"] = Json::parse(R"([
      {"name":"NAME","valueFrom":{"configMapKeyRef":{"name":"settings","key":"name"}}},
      {"name":"NODE","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}}])");
  pod["spec"]["containers"][0]["readinessProbe"] =
      Json::parse(R"({"exec":{"command":["test","-f","up"]},"periodSeconds":1})");
  cluster.create_pod(pod);
  // The config map is not there yet, and the pod says so.
  const Json waits = cluster.await_pod(
      "web", [](const Json& now) { return waiting_of(now) == "CreateContainerConfigError"; });
  EXPECT_THAT(waits["status"]["containerStatuses"][0]["state"]["waiting"]["message"],
              HasSubstr("configmap \"settings\" not found"));
  ASSERT_EQ(cluster.api()
                .post("/api/v1/namespaces/default/configmaps",
                      {{"metadata", {{"name", "settings"}}}, {"data", {{"name", "world"}}}})
                .status,
            201);
  const Json ready = cluster.await_pod("web", is_ready);
  EXPECT_EQ(ready["spec"]["nodeName"], "node-1");
  EXPECT_EQ(ready["status"]["phase"], "Running");
  EXPECT_THAT(text(ready, {"status", "podIP"}), HasSubstr("127.64."));

  EXPECT_EQ(cluster.api().get(kPods + "/web/log").text, "hello world from node-1\n");
  {
    const auto follow = cluster.api().watch(kPods + "/web/log?follow=true&tailLines=1");
    EXPECT_EQ(follow->exchange().read_line(), "hello world from node-1");
    const std::string uid = text(ready, {"metadata", "uid"});
    std::ofstream(cluster.folder() / "nodes/node-1/pods" / uid / "containers/c/work/more") << "x";
    EXPECT_EQ(follow->exchange().read_line(), "and more");
    EXPECT_EQ(cluster.api().remove(kPods + "/web").status, 200);
    EXPECT_EQ(follow->exchange().read_line(), std::nullopt);  // it ends with the container
  }
  EXPECT_TRUE(cluster.await_gone(kPods, "web"));
  EXPECT_EQ(cluster.api().get(kPods + "/web/log").status, 404);
  const std::vector<std::string> reasons = event_reasons(cluster, "web");
  for (const char* reason : {"Scheduled", "Started", "Killing"}) {
    EXPECT_NE(std::find(reasons.begin(), reasons.end(), reason), reasons.end())
        << reason << " is not in " << ::testing::PrintToString(reasons);
  }
}

TEST(LocalNodes, WhatPodsUseIsMeasured) {
  LocalNodesOptions options;
  options.sample_every = 200ms;
  LocalCluster cluster(std::move(options));
  ASSERT_TRUE(cluster.start_nodes().ok());
  const std::string metrics = "/apis/metrics.k8s.io/v1beta1";
  Json busy = shell_pod("busy", "while :; do :; done");
  busy["metadata"]["labels"]["app"] = "busy";
  cluster.create_pod(busy);
  cluster.create_pod(shell_pod("calm", "sleep 1000"));
  const auto nanocores = [](const Json& usage) {
    const std::string cpu = text(usage, {"cpu"});
    return cpu.ends_with('n') ? std::stoll(cpu) : -1;
  };
  const auto pod = [&](const char* name) {
    return cluster.api().get(metrics + "/namespaces/default/pods/" + name).body;
  };
  const auto cpu_of = [&](const char* name) {
    const Json now = pod(name);
    return kube::list_at(now, {"containers"}).empty() ? -1
                                                      : nanocores(now["containers"][0]["usage"]);
  };
  // The shell would take a whole core; other programs of the machine leave it some. The first
  // reading of the calm one has its start in it.
  ASSERT_TRUE(cluster.api().eventually([&] {
    return cpu_of("busy") > 50'000'000 && cpu_of("calm") >= 0 && cpu_of("calm") < 10'000'000;
  })) << pod("busy").dump(1)
      << pod("calm").dump(1);
  const Json now = pod("calm");
  EXPECT_TRUE(text(now["containers"][0], {"usage", "memory"}).ends_with("Ki"));
  EXPECT_EQ(text(now, {"metadata", "namespace"}), "default");
  const Json chosen = cluster.api().get(metrics + "/pods?labelSelector=app%3Dbusy").body;
  ASSERT_EQ(chosen["items"].size(), 1u);
  EXPECT_EQ(chosen["items"][0]["metadata"]["name"], "busy");
  const Json nodes = cluster.api().get(metrics + "/nodes").body;
  ASSERT_EQ(nodes["items"].size(), 1u);
  EXPECT_EQ(nodes["items"][0]["metadata"]["name"], "node-1");
  EXPECT_GT(nanocores(nodes["items"][0]["usage"]), 50'000'000);
  cluster.stop_nodes(NodeAgent::Stop::kEndPods);
  EXPECT_EQ(cluster.api().get(metrics + "/nodes").status, 503);
}

TEST(LocalNodes, APodThatCannotRunSaysWhy) {
  LocalCluster cluster;
  ASSERT_TRUE(cluster.start_nodes().ok());
  Json pod = shell_pod("web", "");
  pod["spec"]["containers"][0].erase("command");
  pod["spec"]["containers"][0]["image"] = "nginx:1.25";
  cluster.create_pod(pod);
  const Json now = cluster.await_pod("web", [](const Json& object) {
    return waiting_of(object) == "ErrImagePull" || waiting_of(object) == "ImagePullBackOff";
  });
  EXPECT_THAT(now["status"]["containerStatuses"][0]["state"]["waiting"]["message"],
              HasSubstr("nginx:1.25"));
  // Its log says so, too.
  const auto log = cluster.api().get(kPods + "/web/log");
  EXPECT_EQ(log.status, 400);
  EXPECT_THAT(log.message(), HasSubstr("is waiting to start"));
}

TEST(LocalNodes, PodsSpreadAcceleratorsAreCountedAndTheRestSaysWhy) {
  LocalNodesOptions options;
  options.nodes = 3;
  options.node.capacity["nvidia.com/gpu"] = Quantity(1);
  options.node.capacity["memory"] = *Quantity::parse("4Gi");
  options.node.capacity["cpu"] = Quantity(2);
  LocalCluster cluster(options);
  ASSERT_TRUE(cluster.start_nodes().ok());
  std::set<std::string> nodes;
  std::set<std::string> networks;
  for (int i = 0; i < 3; ++i) {
    Json pod = shell_pod("gpu-" + std::to_string(i), "exec sleep 1000");
    pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = 1;
    cluster.create_pod(pod);
    const Json ready = cluster.await_pod("gpu-" + std::to_string(i), is_ready);
    nodes.insert(text(ready, {"spec", "nodeName"}));
    networks.insert(text(ready, {"status", "podIP"}).substr(0, 6));
  }
  EXPECT_EQ(nodes, (std::set<std::string>{"node-1", "node-2", "node-3"}));
  EXPECT_EQ(networks, (std::set<std::string>{"127.64", "127.65", "127.66"}));

  Json fourth = shell_pod("gpu-3", "exec sleep 1000");
  fourth["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = 1;
  cluster.create_pod(fourth);
  const Json refused = cluster.await_pod(
      "gpu-3", [](const Json& pod) { return condition_of(pod, "PodScheduled") == "False"; });
  EXPECT_EQ(condition_message(refused, "PodScheduled"),
            "0/3 nodes are available: 3 Insufficient nvidia.com/gpu");
  Json large = shell_pod("large", "exit 0");
  large["spec"]["nodeSelector"]["kubernetes.io/hostname"] = "node-2";
  large["spec"]["containers"][0]["resources"]["requests"]["memory"] = "5Gi";
  cluster.create_pod(large);
  const Json too_large = cluster.await_pod(
      "large", [](const Json& pod) { return condition_of(pod, "PodScheduled") == "False"; });
  EXPECT_EQ(condition_message(too_large, "PodScheduled"),
            "0/3 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, 1 "
            "Insufficient memory");
  // One goes: the one that waits takes its place.
  EXPECT_EQ(cluster.api().remove(kPods + "/gpu-1").status, 200);
  const Json placed = cluster.await_pod("gpu-3", is_ready);
  EXPECT_EQ(condition_of(placed, "PodScheduled"), "True");
}

TEST(LocalNodes, PodsOutliveTheNodesOfAProcessAndAreAdopted) {
  LocalCluster cluster;
  ASSERT_TRUE(cluster.start_nodes().ok());
  cluster.create_pod(shell_pod("stays", "echo first; exec sleep 1000"));
  const Json before = cluster.await_pod("stays", is_ready);
  cluster.stop_nodes(NodeAgent::Stop::kLeavePods);
  EXPECT_EQ(cluster.api().get(kPods + "/stays/log").status, 500);  // nobody has it
  // Deleted while nobody looks: the next agent hears of it.
  cluster.create_pod(shell_pod("new", "exec sleep 1000"));
  ASSERT_TRUE(cluster.start_nodes().ok());
  const Json fresh = cluster.await_pod("new", is_ready);
  EXPECT_EQ(fresh["spec"]["nodeName"], "node-1");
  const Json after = cluster.await_pod("stays", is_ready);
  EXPECT_EQ(after["status"]["containerStatuses"][0]["containerID"],
            before["status"]["containerStatuses"][0]["containerID"]);
  EXPECT_EQ(after["status"]["containerStatuses"][0]["restartCount"], 0);
  EXPECT_EQ(after["status"]["podIP"], before["status"]["podIP"]);
  EXPECT_EQ(cluster.api().get(kPods + "/stays/log").text, "first\n");
  cluster.stop_nodes(NodeAgent::Stop::kLeavePods);
  EXPECT_EQ(cluster.api().remove(kPods + "/stays").status, 200);
  ASSERT_TRUE(cluster.start_nodes().ok());
  EXPECT_TRUE(cluster.await_gone(kPods, "stays"));
}

void set_stopped(LocalCluster& cluster, const std::string& node, const Json& value) {
  const Json patch = {{"metadata", {{"annotations", {{kStoppedAnnotation, value}}}}}};
  ASSERT_EQ(cluster.api().patch(std::string(LocalCluster::kNodes) + "/" + node, patch).status, 200);
}

bool has_taint(const Json& node, std::string_view key) {
  for (const Json& taint : kube::list_at(node, {"spec", "taints"})) {
    if (kube::text_at(taint, {"key"}) == key) return true;
  }
  return false;
}

TEST(LocalNodes, EachPodOfALostNodeIsEvictedOnce) {
  LocalNodesOptions options;
  options.nodes = 2;
  options.grace = 1s;
  options.longest_toleration = 0s;
  LocalCluster cluster(options);
  ASSERT_TRUE(cluster.start_nodes().ok());
  constexpr int kPodsThere = 8;
  const auto name_of = [](int i) { return fmt::format("goes-{}", i); };
  for (int i = 0; i < kPodsThere; ++i) {
    Json pod = shell_pod(name_of(i), "exec sleep 1000");
    pod["spec"]["nodeName"] = "node-2";
    cluster.create_pod(pod);
  }
  for (int i = 0; i < kPodsThere; ++i) (void)cluster.await_pod(name_of(i), is_ready);
  set_stopped(cluster, "node-2", "true");
  for (int i = 0; i < kPodsThere; ++i) {
    EXPECT_NE(
        cluster.await_pod(name_of(i), [](const Json& pod) { return kube::is_being_deleted(pod); }),
        nullptr);
  }
  // Written behind the deletions: the controller's stop waits for them.
  cluster.stop_nodes(NodeAgent::Stop::kLeavePods);
  std::map<std::string, std::int64_t> told;
  const Json events = cluster.api().get("/api/v1/namespaces/default/events").body;
  for (const Json& event : kube::list_at(events, {"items"})) {
    if (text(event, {"reason"}) != "TaintManagerEviction") continue;
    told[text(event, {"involvedObject", "name"})] += kube::number_at(event, {"count"}).value_or(1);
  }
  EXPECT_EQ(told.size(), std::size_t{kPodsThere});
  for (const auto& [name, times] : told) EXPECT_EQ(times, 1) << name;
}

TEST(LocalNodes, ALostNodeIsNoticedItsPodsGoAndItComesBack) {
  LocalNodesOptions options;
  options.nodes = 2;
  options.grace = 3s;
  options.longest_toleration = 1s;
  LocalCluster cluster(options);
  ASSERT_TRUE(cluster.start_nodes().ok());
  Json stays = shell_pod("stays", "exec sleep 1000");
  stays["spec"]["nodeName"] = "node-2";
  stays["spec"]["tolerations"] = Json::parse(
      R"([{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute"}])");
  Json goes = shell_pod("goes", "exec sleep 1000");
  goes["spec"]["nodeSelector"]["kubernetes.io/hostname"] = "node-2";
  cluster.create_pod(stays);
  cluster.create_pod(goes);
  const Json before = cluster.await_pod("stays", is_ready);
  (void)cluster.await_pod("goes", is_ready);

  set_stopped(cluster, "node-2", "true");
  const Json lost = cluster.await(LocalCluster::kNodes, "node-2", [](const Json& node) {
    return condition_of(node, "Ready") == "Unknown" &&
           has_taint(node, "node.kubernetes.io/unreachable");
  });
  EXPECT_EQ(condition_message(lost, "Ready"), "The node agent stopped posting node status.");
  EXPECT_NE(cluster.await_pod("stays", [](const Json& pod) { return !is_ready(pod); }), nullptr);
  const Json evicted =
      cluster.await_pod("goes", [](const Json& pod) { return kube::is_being_deleted(pod); });
  EXPECT_EQ(condition_of(evicted, "DisruptionTarget"), "True");
  const auto log = cluster.api().get(kPods + "/stays/log");
  EXPECT_EQ(log.status, 500);
  EXPECT_THAT(log.message(), HasSubstr("node node-2 of pod default/stays is lost"));
  // What is to run there now says why it cannot.
  Json next = shell_pod("next", "exec sleep 1000");
  next["spec"]["nodeSelector"]["kubernetes.io/hostname"] = "node-2";
  cluster.create_pod(next);
  const Json waits = cluster.await_pod(
      "next", [](const Json& pod) { return condition_of(pod, "PodScheduled") == "False"; });
  EXPECT_EQ(condition_message(waits, "PodScheduled"),
            "0/2 nodes are available: 1 node was lost, 1 node(s) didn't match Pod's node "
            "affinity/selector");

  // It stays lost when the process starts again: nothing runs there, nothing is told.
  cluster.stop_nodes(NodeAgent::Stop::kLeavePods);
  ASSERT_TRUE(cluster.start_nodes().ok());
  cluster.create_pod(shell_pod("elsewhere", "exec sleep 1000"));
  EXPECT_EQ(text(cluster.await_pod("elsewhere", is_ready), {"spec", "nodeName"}), "node-1");
  const Json silent = cluster.api().get(kPods + "/stays").body;
  EXPECT_FALSE(is_ready(silent));
  EXPECT_EQ(silent["status"]["containerStatuses"][0]["restartCount"], 0);

  set_stopped(cluster, "node-2", nullptr);
  const Json back = cluster.await(LocalCluster::kNodes, "node-2", [](const Json& node) {
    return is_ready(node) && kube::list_at(node, {"spec", "taints"}).empty();
  });
  EXPECT_NE(back, nullptr);
  EXPECT_TRUE(cluster.await_gone(kPods, "goes"));
  const Json after = cluster.await_pod("stays", is_ready);
  EXPECT_EQ(after["metadata"]["uid"], before["metadata"]["uid"]);
  EXPECT_EQ(after["status"]["containerStatuses"][0]["restartCount"], 1);
  EXPECT_NE(cluster.await_pod("next", is_ready), nullptr);
}

TEST(LocalNodes, PodsOfADeletedNodeAreRemovedAndTheNodeMayComeBack) {
  LocalNodesOptions options;
  options.nodes = 2;
  options.grace = 3s;
  LocalCluster cluster(options);
  ASSERT_TRUE(cluster.start_nodes().ok());
  Json pod = shell_pod("on-2", "trap '' TERM; exec sleep 1000");
  pod["spec"]["nodeName"] = "node-2";
  pod["spec"]["terminationGracePeriodSeconds"] = 3600;
  cluster.create_pod(pod);
  (void)cluster.await_pod("on-2", is_ready);
  set_stopped(cluster, "node-2", "true");
  (void)cluster.await(LocalCluster::kNodes, "node-2",
                      [](const Json& node) { return condition_of(node, "Ready") == "Unknown"; });
  EXPECT_EQ(cluster.api().remove("/api/v1/nodes/node-2").status, 200);
  EXPECT_TRUE(cluster.await_gone(kPods, "on-2"));
  // Whoever makes the Node again starts it.
  EXPECT_EQ(cluster.api().post("/api/v1/nodes", {{"metadata", {{"name", "node-2"}}}}).status, 201);
  const Json back = cluster.await(LocalCluster::kNodes, "node-2", [](const Json& node) {
    return is_ready(node) && kube::list_at(node, {"spec", "taints"}).empty();
  });
  EXPECT_EQ(back["metadata"]["labels"]["kubernetes.io/hostname"], "node-2");
}

// A server that says its name to whoever connects.
class Greeter {
 public:
  explicit Greeter(std::string greeting) : greeting_(std::move(greeting)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(fd_, 16) == 0);
    socklen_t size = sizeof address;
    CHECK(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int client = 0; (client = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(client)) {
        (void)!::write(client, greeting_.data(), greeting_.size());
      }
    });
  }
  ~Greeter() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  std::string greeting_;
  int fd_ = -1;
  int port_ = 0;
  std::thread thread_;
};

// What is said by whoever listens there; "" when nobody does.
std::string greeting_at(const std::string& host, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  CHECK(::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  std::string out;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    char buffer[64];
    for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
      out.append(buffer, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return out;
}

TEST(LocalNodes, ServicesForwardToTheirEndpointsAndHaveNames) {
  LocalCluster cluster;
  ASSERT_TRUE(cluster.start_nodes().ok());
  const std::string services = "/api/v1/namespaces/default/services";
  const std::string slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  // The pod is there before the Services: its file of names is brought up to date.
  const bool names = best_mount_mode() != MountMode::kTranslate;
  Json asks = shell_pod("asks",
                        "until getent hosts db.default.svc.cluster.local; do sleep 0.05; "
                        "done; getent hosts web | cut -d' ' -f1; echo $WEB_SERVICE_PORT; "
                        "exec sleep 1000");
  if (names) {
    cluster.create_pod(asks);
    (void)cluster.await_pod("asks", is_ready);
  }
  const auto made = cluster.api().post(
      services, Json::parse(R"({"metadata":{"name":"web"},"spec":{"selector":{"app":"web"},
          "ports":[{"name":"http","port":18080,"targetPort":1}]}})"));
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string address = text(made.body, {"spec", "clusterIP"});
  ASSERT_TRUE(address.starts_with("127.96."));
  // Without endpoints a connection is reset.
  EXPECT_TRUE(cluster.api().eventually([&] { return greeting_at(address, 18080).empty(); }));

  const Greeter one("one"), two("two");
  Json slice =
      Json::parse(R"({"metadata":{"name":"web-1","labels":{"kubernetes.io/service-name":"web"}},
      "addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"],"conditions":{"ready":true}}]})");
  slice["ports"] = Json::array({Json{{"name", "http"}, {"protocol", "TCP"}, {"port", one.port()}}});
  ASSERT_EQ(cluster.api().post(slices, slice).status, 201);
  EXPECT_TRUE(cluster.api().eventually([&] { return greeting_at(address, 18080) == "one"; }));
  slice["ports"][0]["port"] = two.port();
  ASSERT_EQ(cluster.api().put(slices + "/web-1", slice).status, 200);
  EXPECT_TRUE(cluster.api().eventually([&] { return greeting_at(address, 18080) == "two"; }));

  if (names) {
    ASSERT_EQ(cluster.api()
                  .post(services, Json::parse(R"({"metadata":{"name":"db"},
                      "spec":{"clusterIP":"None","ports":[{"port":5432}]}})"))
                  .status,
              201);
    slice = Json::parse(R"({"metadata":{"name":"db-1","labels":{"kubernetes.io/service-name":"db"}},
        "addressType":"IPv4","ports":[{"port":5432}],"endpoints":[{"addresses":["127.1.2.3"]}]})");
    ASSERT_EQ(cluster.api().post(slices, slice).status, 201);
    const auto follow = cluster.api().watch(kPods + "/asks/log?follow=true");
    EXPECT_THAT(follow->exchange().read_line().value_or(""),
                ::testing::MatchesRegex("127.1.2.3 +db.default.svc.cluster.local.*"));
    EXPECT_EQ(follow->exchange().read_line(), address);
    EXPECT_EQ(follow->exchange().read_line(), "");  // variables are those of its start
    EXPECT_EQ(cluster.api().remove(kPods + "/asks").status, 200);
  }
  EXPECT_EQ(cluster.api().remove(services + "/web").status, 200);
  EXPECT_TRUE(cluster.api().eventually([&] { return greeting_at(address, 18080).empty(); }));
}

TEST(LocalNodes, AClaimThatWaitsForItsPodIsToldTheNodeAndItsFolderIsMounted) {
  LocalCluster cluster;
  ASSERT_TRUE(cluster.start_nodes().ok());
  ASSERT_EQ(cluster.api()
                .post("/apis/storage.k8s.io/v1/storageclasses",
                      Json::parse(R"({"metadata":{"name":"local"},"provisioner":"nacelle.dev/local",
                          "volumeBindingMode":"WaitForFirstConsumer"})"))
                .status,
            201);
  const std::string claims = "/api/v1/namespaces/default/persistentvolumeclaims";
  const auto claim = cluster.api().post(
      claims, Json::parse(R"({"metadata":{"name":"data"},"spec":{"storageClassName":"local",
          "accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}})"));
  ASSERT_EQ(claim.status, 201) << claim.text;
  Json pod = shell_pod("p", "echo kept > /data/file; exec sleep 1000");
  pod["spec"]["volumes"] =
      Json::parse(R"([{"name":"v","persistentVolumeClaim":{"claimName":"data"}}])");
  pod["spec"]["containers"][0]["volumeMounts"] =
      Json::parse(R"([{"name":"v","mountPath":"/data"}])");
  cluster.create_pod(pod);
  (void)cluster.await(claims, "data", [](const Json& now) {
    return kube::map_at(now, {"metadata", "annotations"})
               .value("volume.kubernetes.io/selected-node", Json()) == "node-1";
  });
  // Before that it may have waited for the node to be ready.
  const Json waits = cluster.await_pod("p", [](const Json& now) {
    return condition_message(now, "PodScheduled") ==
           "waiting for the volume of persistentvolumeclaim \"data\" on node-1";
  });
  EXPECT_EQ(condition_of(waits, "PodScheduled"), "False");
  // What a provisioner does.
  const std::filesystem::path folder = cluster.folder() / "volumes/pv-1";
  Json volume = Json::parse(R"({"metadata":{"name":"pv-1",
          "annotations":{"pv.kubernetes.io/provisioned-by":"nacelle.dev/local"}},
      "spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"storageClassName":"local",
          "claimRef":{"namespace":"default","name":"data"},
          "nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[
              {"key":"kubernetes.io/hostname","operator":"In","values":["node-1"]}]}]}}}})");
  volume["spec"]["local"]["path"] = folder.string();
  const auto made = cluster.api().post("/api/v1/persistentvolumes", volume);
  ASSERT_EQ(made.status, 201) << made.text;
  ASSERT_EQ(cluster.api().patch(claims + "/data", {{"spec", {{"volumeName", "pv-1"}}}}).status,
            200);
  ASSERT_EQ(cluster.api().patch(claims + "/data/status", {{"status", {{"phase", "Bound"}}}}).status,
            200);
  (void)cluster.await_pod("p", is_ready);
  EXPECT_TRUE(cluster.api().eventually([&] { return std::filesystem::exists(folder / "file"); }));
}

TEST(LocalNodes, WhatOthersWriteIntoAPodsStatusIsPutRight) {
  LocalCluster cluster;
  ASSERT_TRUE(cluster.start_nodes().ok());
  cluster.create_pod(shell_pod("p", "exec sleep 1000"));
  (void)cluster.await_pod("p", is_ready);
  const Json patch = Json::parse(
      R"({"status":{"conditions":[{"type":"Ready","status":"False"},
                                  {"type":"DisruptionTarget","status":"True"}]}})");
  const auto patched =
      cluster.api().patch(kPods + "/p/status", patch, "application/strategic-merge-patch+json");
  ASSERT_EQ(patched.status, 200) << patched.text;
  EXPECT_FALSE(is_ready(patched.body));
  const Json right = cluster.await_pod("p", is_ready);
  EXPECT_EQ(condition_of(right, "DisruptionTarget"), "True");  // others' conditions stay
}

TEST(LocalNodes, BadOptionsAreRefused) {
  LocalNodesOptions options;
  options.names = {"a", "B"};
  EXPECT_THAT(LocalCluster(options).start_nodes().message(), HasSubstr("node name \"B\""));
  options.names = {"a", "a"};
  EXPECT_EQ(LocalCluster(options).start_nodes().message(), "two nodes have the same name");
  options.names.clear();
  options.nodes = 40;
  EXPECT_EQ(LocalCluster(options).start_nodes().message(), "40 nodes, possible are 1 to 32");
}

}  // namespace
}  // namespace nacelle::control::node
