#include "control/core/node_lifecycle/node_lifecycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace nacelle::control::node_lifecycle {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

// A cluster as the API has it; applies what is decided, as the controller does.
struct Cluster {
  std::vector<NodeSeen> nodes;
  std::vector<PodSeen> pods;
  Memory memory;
  Options options;
  std::vector<std::string> told;
  std::optional<TimePoint> look_again;

  NodeSeen* node(const std::string& name) {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const NodeSeen& one) { return one.name == name; });
    return found == nodes.end() ? nullptr : &*found;
  }
  PodSeen* pod(const std::string& uid) {
    const auto found =
        std::find_if(pods.begin(), pods.end(), [&](const PodSeen& one) { return one.uid == uid; });
    return found == pods.end() ? nullptr : &*found;
  }
  void add_node(const std::string& name, Readiness ready = Readiness::kTrue) {
    NodeSeen out;
    out.name = name;
    out.ready = ready;
    nodes.push_back(out);
  }
  void add_pod(const std::string& uid, const std::string& on, std::vector<Toleration> tolerations) {
    PodSeen out;
    out.key = {"ns", uid};
    out.uid = uid;
    out.node = on;
    out.ready = true;
    out.tolerations = std::move(tolerations);
    pods.push_back(std::move(out));
  }
  void beat(const std::string& name, TimePoint now) {
    heard(memory, name, std::to_string(now.time_since_epoch().count()), now);
  }
  void apply(const Action& action) {
    if (const auto* unknown = std::get_if<SetUnknown>(&action)) {
      told.push_back("unknown " + unknown->node);
      node(unknown->node)->ready = Readiness::kUnknown;
    } else if (const auto* taints = std::get_if<SetTaints>(&action)) {
      std::string text = "taints " + taints->node;
      std::vector<Taint>& all = node(taints->node)->taints;
      std::erase_if(all, [](const Taint& one) { return is_ours(one.key); });
      for (const Taint& one : taints->taints) {
        text += " " + one.key.substr(one.key.find('/') + 1) + ":" + one.effect;
        all.push_back(one);
      }
      told.push_back(text);
    } else if (const auto* not_ready = std::get_if<SetPodNotReady>(&action)) {
      told.push_back("not ready " + not_ready->uid);
      pod(not_ready->uid)->ready = false;
    } else if (const auto* out = std::get_if<Evict>(&action)) {
      told.push_back("evict " + out->uid);
      pod(out->uid)->deleting = true;
    } else {
      const std::string uid = std::get<RemovePod>(action).uid;
      told.push_back("remove " + uid);
      std::erase_if(pods, [&](const PodSeen& one) { return one.uid == uid; });
    }
  }
  // What is told until nothing is left to do.
  std::vector<std::string> settle(TimePoint now) {
    told.clear();
    for (int rounds = 0; rounds < 3; ++rounds) {
      const Decision decision = decide(nodes, pods, memory, now, options);
      look_again = decision.look_again;
      for (const Action& action : decision.actions) apply(action);
    }
    const Decision last = decide(nodes, pods, memory, now, options);
    EXPECT_TRUE(last.actions.empty());
    return told;
  }
};

Toleration tolerates_unreachable(std::optional<std::int64_t> seconds) {
  Toleration out;
  out.key = kUnreachableTaint;
  out.exists = true;
  out.effect = kNoExecute;
  out.seconds = seconds;
  return out;
}

using Words = std::vector<std::string>;

TEST(NodeLifecycle, ASilentNodeIsLostItsPodsGoAfterTheirTimeAndItComesBack) {
  Cluster cluster;
  cluster.add_node("a");
  cluster.add_node("b");
  cluster.add_pod("soon", "a", {tolerates_unreachable(10)});
  cluster.add_pod("never", "a", {tolerates_unreachable(std::nullopt)});
  cluster.add_pod("now", "a", {});
  cluster.add_pod("other", "b", {});
  EXPECT_EQ(cluster.settle(kStart), Words{});
  EXPECT_EQ(cluster.look_again, kStart + 40s);
  cluster.beat("b", kStart + 39s);
  EXPECT_EQ(cluster.settle(kStart + 39s), Words{});
  EXPECT_EQ(cluster.settle(kStart + 40s),
            (Words{"unknown a", "taints a unreachable:NoSchedule unreachable:NoExecute",
                   "not ready soon", "not ready never", "not ready now", "evict now"}));
  EXPECT_EQ(cluster.look_again, kStart + 50s);
  cluster.beat("b", kStart + 49s);
  EXPECT_EQ(cluster.settle(kStart + 49s), Words{});
  EXPECT_EQ(cluster.settle(kStart + 50s), Words{"evict soon"});
  // It beats again; its taints go when it says that it is ready.
  cluster.beat("a", kStart + 51s);
  cluster.beat("b", kStart + 51s);
  EXPECT_EQ(cluster.settle(kStart + 51s), Words{});
  cluster.node("a")->ready = Readiness::kTrue;
  EXPECT_EQ(cluster.settle(kStart + 52s), Words{"taints a"});
  EXPECT_EQ(cluster.settle(kStart + 90s), Words{});
  EXPECT_EQ(cluster.pod("never")->deleting, false);
}

TEST(NodeLifecycle, TheSameHeartbeatAgainIsNone) {
  Cluster cluster;
  cluster.add_node("a");
  heard(cluster.memory, "a", "x", kStart);
  heard(cluster.memory, "a", "x", kStart + 30s);
  EXPECT_EQ(cluster.settle(kStart + 40s).front(), "unknown a");
}

// Heartbeats carry the time of the wall, which may jump; they are heard by a clock that does not.
TEST(NodeLifecycle, AWallClockThatJumpsLosesNobody) {
  for (const int jump : {3600, -3600}) {
    Cluster cluster;
    for (const char* name : {"a", "b"}) cluster.add_node(name);
    cluster.add_pod("p", "a", {tolerates_unreachable(0)});
    int wall = 10'000;
    for (int second = 0; second < 120; ++second) {
      const TimePoint now = kStart + std::chrono::seconds(second);
      if (second == 60) wall += jump;
      for (const char* name : {"a", "b"}) {
        heard(cluster.memory, name, std::to_string(wall + second), now);
      }
      EXPECT_EQ(cluster.settle(now), Words{}) << second << " of " << jump;
    }
  }
}

TEST(NodeLifecycle, ANodeThatIsNotReadyOrFullOrCordoned) {
  Cluster cluster;
  cluster.add_node("new", Readiness::kNone);
  cluster.add_node("sick", Readiness::kFalse);
  cluster.add_node("full");
  cluster.node("full")->low_disk = true;
  cluster.node("full")->cordoned = true;
  cluster.node("full")->taints.push_back({"gpu", "only", "NoSchedule"});
  cluster.add_pod("p", "sick", {});
  cluster.add_pod("q", "new", {});
  EXPECT_EQ(cluster.settle(kStart),
            (Words{"taints new not-ready:NoSchedule",
                   "taints sick not-ready:NoSchedule not-ready:NoExecute", "not ready p", "evict p",
                   "taints full unschedulable:NoSchedule disk-pressure:NoSchedule"}));
  EXPECT_EQ(cluster.node("full")->taints.front().key, "gpu");
}

TEST(NodeLifecycle, TaintsOfOthersEvictToo) {
  Cluster cluster;
  cluster.add_node("a");
  Toleration two;
  two.key = "maintenance";
  two.exists = true;
  two.seconds = 60;
  cluster.add_pod("p", "a", {two});
  cluster.add_pod("done", "a", {});
  cluster.pod("done")->finished = true;
  EXPECT_EQ(cluster.settle(kStart), Words{});
  cluster.node("a")->taints.push_back({"maintenance", "", "NoExecute"});
  EXPECT_EQ(cluster.settle(kStart + 1s), Words{});
  // Taken away and put back: the time begins anew.
  cluster.node("a")->taints.clear();
  EXPECT_EQ(cluster.settle(kStart + 20s), Words{});
  cluster.node("a")->taints.push_back({"maintenance", "", "NoExecute"});
  cluster.options.grace = std::chrono::hours(1);
  EXPECT_EQ(cluster.settle(kStart + 30s), Words{});
  EXPECT_EQ(cluster.settle(kStart + 89s), Words{});
  EXPECT_EQ(cluster.settle(kStart + 90s), Words{"evict p"});
}

TEST(NodeLifecycle, TolerationsOfLossCanBeCutShort) {
  Cluster cluster;
  cluster.options.longest_toleration = 5s;
  cluster.add_node("a");
  cluster.add_pod("p", "a", {tolerates_unreachable(300)});
  cluster.add_pod("for-good", "a", {tolerates_unreachable(std::nullopt)});
  (void)cluster.settle(kStart);
  EXPECT_EQ(cluster.settle(kStart + 40s).back(), "not ready for-good");
  EXPECT_EQ(cluster.settle(kStart + 45s), Words{"evict p"});
}

TEST(NodeLifecycle, PodsOfADeletedNodeAreRemovedThoseOfAnUnknownOneLater) {
  Cluster cluster;
  cluster.add_node("a");
  cluster.add_pod("p", "a", {});
  cluster.add_pod("early", "not-yet", {});
  // A lease without its node is no node that was deleted.
  cluster.beat("not-yet", kStart);
  EXPECT_EQ(cluster.settle(kStart), Words{});
  cluster.nodes.clear();
  EXPECT_EQ(cluster.settle(kStart + 1s), Words{"remove p"});
  EXPECT_EQ(cluster.look_again, kStart + 40s);
  EXPECT_EQ(cluster.settle(kStart + 39s), Words{});
  EXPECT_EQ(cluster.settle(kStart + 40s), Words{"remove early"});
  cluster.add_pod("late", "not-yet", {});
  cluster.add_node("not-yet");
  EXPECT_EQ(cluster.settle(kStart + 100s), Words{});
}

// The slow model: of every pod and taint, second by second, how long they have been together.
TEST(NodeLifecycle, EvictsWhenTheShortestTimeIsOverAndNeverEarlier) {
  std::mt19937_64 random(7);
  for (int life = 0; life < 100; ++life) {
    Cluster cluster;
    cluster.options.grace = std::chrono::hours(100);
    cluster.add_node("a");
    std::map<std::string, int> together;  // seconds with that taint until now
    for (int i = 0; i < 5; ++i) {
      std::vector<Toleration> tolerations;
      for (const char* key : {"x", "y"}) {
        for (std::uint64_t n = random() % 3; n > 0; --n) {
          Toleration one;
          one.key = key;
          one.exists = true;
          if (random() % 3 != 0) one.seconds = static_cast<std::int64_t>(random() % 8);
          tolerations.push_back(one);
        }
      }
      cluster.add_pod("p" + std::to_string(i), "a", tolerations);
    }
    std::set<std::string> out;
    for (int second = 0; second < 20; ++second) {
      auto& taints = cluster.node("a")->taints;
      for (const char* key : {"x", "y"}) {
        const Taint taint{key, "", "NoExecute"};
        const auto at = std::find(taints.begin(), taints.end(), taint);
        if (random() % 6 == 0) {
          if (at == taints.end()) {
            taints.push_back(taint);
          } else {
            taints.erase(at);
          }
        }
        const bool there = std::find(taints.begin(), taints.end(), taint) != taints.end();
        together[key] = there ? together[key] + 1 : 0;
      }
      for (const PodSeen& pod : cluster.pods) {
        for (const auto& [key, seconds] : together) {
          if (seconds == 0) continue;
          std::int64_t stays = -1;  // -1: not tolerated; 1000: for good
          for (const Toleration& one : pod.tolerations) {
            if (one.key != key) continue;
            const std::int64_t these = one.seconds.value_or(1000);
            stays = stays < 0 ? these : std::min(stays, these);
          }
          if (seconds - 1 >= std::max<std::int64_t>(stays, 0) && stays != 1000) out.insert(pod.uid);
        }
      }
      (void)cluster.settle(kStart + std::chrono::seconds(second));
      std::set<std::string> evicted;
      for (const PodSeen& pod : cluster.pods) {
        if (pod.deleting) evicted.insert(pod.uid);
      }
      ASSERT_EQ(evicted, out) << "life " << life << ", second " << second;
    }
  }
}

}  // namespace
}  // namespace nacelle::control::node_lifecycle
