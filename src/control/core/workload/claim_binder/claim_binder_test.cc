// Claims and volumes: each pair agrees from any interleaving and crash; then the rules one by one.
#include "control/core/workload/claim_binder/claim_binder.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "control/core/workload/claim_binder/volume_match.h"
#include "control/core/workload/testing/world.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;
using testing::World;

Json J(std::string_view text) { return Json::parse(text); }

// A world with a disk.
struct Storage {
  std::shared_ptr<ClaimsMemory> memory = std::make_shared<ClaimsMemory>();
  std::shared_ptr<std::set<std::string>> removed = std::make_shared<std::set<std::string>>();
  std::shared_ptr<std::map<std::string, std::string>> failures =
      std::make_shared<std::map<std::string, std::string>>();
  World world{[this](World& w) { return deciders(w); }, [](World& w) { w.finish_deletions(); }};

  std::vector<World::Decider> deciders(World& w) {
    return {[this, &w] {
      ClaimsDecision out = decide(w);
      for (Reclaim& each : out.reclaims) {
        const std::string name = each.volume.target.name;
        if (failures->contains(name)) continue;
        removed->insert(each.path);
        out.decision.actions.push_back(std::move(each.volume));
      }
      return std::move(out.decision);
    }};
  }

  ClaimsDecision decide(World& w) {
    return bind_claims(
        {w.of("PersistentVolumeClaim"), w.of("PersistentVolume"), w.of("StorageClass"), w.of("Pod"),
         w.of("Node"), "/data/volumes", *failures, w.now},
        *memory);
  }

  Json claim(const std::string& name, const char* size = "1Gi", const char* more = "{}") {
    Json out = J(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{},"spec":{
      "accessModes":["ReadWriteOnce"]},"status":{"phase":"Pending"}})");
    out["metadata"]["name"] = name;
    out["spec"]["resources"]["requests"]["storage"] = size;
    out["spec"].merge_patch(J(more));
    return world.add(out);
  }
  Json volume(const std::string& name, const char* size = "1Gi", const char* more = "{}") {
    Json out = J(R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{},"spec":{
      "accessModes":["ReadWriteOnce","ReadOnlyMany"],"persistentVolumeReclaimPolicy":"Retain",
      "hostPath":{"path":"/models"}}})");
    out["metadata"]["name"] = name;
    out["spec"]["capacity"]["storage"] = size;
    out["spec"].merge_patch(J(more));
    return world.add(out);
  }
  void storage_class(const char* name, const char* more = "{}") {
    Json out = J(R"({"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{},
      "provisioner":"nacelle.dev/local-path","reclaimPolicy":"Delete"})");
    out["metadata"]["name"] = name;
    out.merge_patch(J(more));
    world.add(out);
  }
  void pod(const char* name, const char* claim, const char* node) {
    Json out = J(R"({"apiVersion":"v1","kind":"Pod","metadata":{},"spec":{"volumes":[
      {"name":"v","persistentVolumeClaim":{}}]},"status":{"phase":"Running"}})");
    out["metadata"]["name"] = name;
    out["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = claim;
    if (*node != '\0') out["spec"]["nodeName"] = node;
    world.add(out);
  }
  std::string phase(const char* kind, const std::string& name) {
    const Json* found = world.find(kind, name);
    return found == nullptr ? "gone" : std::string(text_at(*found, {"status", "phase"}));
  }
  std::string volume_of(const std::string& claim) {
    const Json* found = world.find("PersistentVolumeClaim", claim);
    return found == nullptr ? "gone" : std::string(text_at(*found, {"spec", "volumeName"}));
  }
  std::string last_event() {
    return world.events.empty() ? ""
                                : world.events.back().reason + ": " + world.events.back().message;
  }
};

const char* kLocal = R"({"storageClassName":"local"})";

TEST(ClaimBinder, PairsAgreeFromAnyInterleavingAndCrash) {
  for (std::uint32_t seed = 0; seed < 120; ++seed) {
    std::mt19937 random(seed);
    Storage at;
    at.storage_class("local");
    std::vector<std::int64_t> sizes;
    const std::size_t volumes = random() % 5;
    for (std::size_t i = 0; i < volumes; ++i) {
      sizes.push_back(1 + static_cast<std::int64_t>(random() % 4));
      at.volume("v" + std::to_string(i), (std::to_string(sizes.back()) + "Gi").c_str());
    }
    // The model: oldest first, the smallest that fits.
    std::multiset<std::int64_t> free(sizes.begin(), sizes.end());
    std::map<std::string, std::int64_t> expected;
    const std::size_t claims = random() % 6;
    for (std::size_t i = 0; i < claims; ++i) {
      const std::string name = "c" + std::to_string(i);
      const bool dynamic = random() % 3 == 0;
      const auto wants = 1 + static_cast<std::int64_t>(random() % 4);
      at.claim(name, (std::to_string(wants) + "Gi").c_str(),
               dynamic ? kLocal : R"({"storageClassName":""})");
      ++at.world.now;
      if (dynamic) {
        expected[name] = wants;
      } else if (const auto fit = free.lower_bound(wants); fit != free.end()) {
        expected[name] = *fit;
        free.erase(fit);
      } else {
        expected[name] = 0;
      }
    }
    at.world.stumble(random, 60);
    ASSERT_TRUE(at.world.settle()) << "seed " << seed << at.world.text();
    std::set<std::string> used;
    for (const auto& [name, size] : expected) {
      if (size == 0) {
        EXPECT_EQ(at.phase("PersistentVolumeClaim", name), "Pending");
        continue;
      }
      ASSERT_EQ(at.phase("PersistentVolumeClaim", name), "Bound") << "seed " << seed;
      const std::string volume = at.volume_of(name);
      EXPECT_TRUE(used.insert(volume).second) << "two claims have one volume";
      const Json* stored = at.world.find("PersistentVolume", volume);
      ASSERT_NE(stored, nullptr);
      EXPECT_EQ(text_at(*stored, {"status", "phase"}), "Bound");
      EXPECT_EQ(text_at(*stored, {"spec", "claimRef", "name"}), name);
      EXPECT_EQ(size_of_volume(*stored), size << 30) << "seed " << seed << " " << name;
    }
    EXPECT_EQ(at.world.writes_to_settle(), 0);

    // Claims go, in the middle of anything: only what was kept by hand is left.
    for (const auto& [name, size] : expected) at.world.remove("PersistentVolumeClaim", name);
    at.world.stumble(random, 30);
    ASSERT_TRUE(at.world.settle()) << at.world.text();
    EXPECT_TRUE(at.world.of("PersistentVolumeClaim").empty());
    EXPECT_EQ(at.world.of("PersistentVolume").size(), volumes) << "Retain stays, Delete goes";
    for (const Json& volume : at.world.of("PersistentVolume")) {
      const bool was_used = used.contains(kube::key_of(volume).name);
      EXPECT_EQ(text_at(volume, {"status", "phase"}), was_used ? "Released" : "Available");
    }
    EXPECT_EQ(at.world.writes_to_settle(), 0);
  }
}

TEST(ClaimBinder, WhatFits) {
  Storage at;
  const auto problem = [&](const char* claim, const char* size, const char* volume) {
    return misfit(at.claim("c", size, claim), at.volume("v", "10Gi", volume));
  };
  EXPECT_EQ(problem("{}", "10Gi", "{}"), "");
  EXPECT_EQ(problem("{}", "10.5Gi", "{}"), "requested PV is too small");
  EXPECT_EQ(problem("{}", "10G", "{}"), "") << "G is less than Gi";
  EXPECT_EQ(problem("{}", "1", R"({"storageClassName":"x"})"), "storageClassName does not match");
  EXPECT_EQ(problem(R"({"volumeMode":"Block"})", "1", "{}"), "incompatible volumeMode");
  EXPECT_EQ(problem(R"({"accessModes":["ReadWriteMany"]})", "1", "{}"), "incompatible accessMode");
  EXPECT_EQ(problem(R"({"accessModes":["ReadOnlyMany","ReadWriteOnce"]})", "1", "{}"), "");
}

TEST(ClaimBinder, ASelectorChooses) {
  Storage at;
  at.volume("small");
  at.world.edit("PersistentVolume", at.volume("fast", "5Gi")["metadata"]["name"].get<std::string>(),
                [](Json& volume) { volume["metadata"]["labels"]["disk"] = "nvme"; });
  at.claim("c", "1Gi", R"({"selector":{"matchLabels":{"disk":"nvme"}}})");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.volume_of("c"), "fast");
}

TEST(ClaimBinder, ANamedVolumeIsWaitedForAndChecked) {
  Storage at;
  at.claim("c", "2Gi", R"({"volumeName":"v"})");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.last_event(), "FailedBinding: volume \"v\" is not there yet");
  at.volume("v", "1Gi");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.last_event(),
            "VolumeMismatch: Cannot bind to requested volume \"v\": requested PV is too small");
  const std::size_t told = at.world.events.size();
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.world.events.size(), told) << "told once";
  at.world.edit("PersistentVolume", "v",
                [](Json& volume) { volume["spec"]["capacity"]["storage"] = "2Gi"; });
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "c"), "Bound");
  at.claim("late", "1Gi", R"({"volumeName":"v"})");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.last_event(), "FailedBinding: volume \"v\" already bound to a different claim.");
}

TEST(ClaimBinder, AVolumeKeptForAClaimIsNotGivenAway) {
  Storage at;
  at.volume("v", "1Gi", R"({"claimRef":{"namespace":"n","name":"mine"}})");
  at.claim("other");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "other"), "Pending");
  EXPECT_EQ(at.phase("PersistentVolume", "v"), "Available");
  at.claim("mine");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.volume_of("mine"), "v");
}

TEST(ClaimBinder, LocalPathVolumesAreFoldersThatGoWithTheirClaim) {
  Storage at;
  at.storage_class("local");
  const std::string uid = at.claim("c", "3Gi", kLocal)["metadata"]["uid"];
  ASSERT_TRUE(at.world.settle());
  const std::string name = "pvc-" + uid;
  EXPECT_EQ(at.volume_of("c"), name);
  const Json volume = *at.world.find("PersistentVolume", name);
  EXPECT_EQ(volume["spec"]["hostPath"]["path"], "/data/volumes/" + name + "_n_c");
  EXPECT_EQ(volume["spec"]["capacity"]["storage"], "3Gi");
  EXPECT_FALSE(volume["spec"].contains("nodeAffinity"));
  // In use: it stays.
  at.pod("p", "c", "node-0");
  at.world.remove("PersistentVolumeClaim", "c");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "c"), "Bound");
  at.world.remove("Pod", "p");
  (*at.failures)[name] = "Permission denied";
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "c"), "gone");
  EXPECT_EQ(at.phase("PersistentVolume", name), "Failed");
  EXPECT_EQ(at.last_event(),
            "VolumeFailedDelete: cannot remove /data/volumes/" + name + "_n_c: Permission denied");
  at.failures->clear();
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolume", name), "gone");
  EXPECT_EQ(*at.removed, (std::set<std::string>{"/data/volumes/" + name + "_n_c"}));
}

TEST(ClaimBinder, OnlyOurFoldersAreRemoved) {
  for (const char* path : {"/data/volumes/../../etc", "/etc", "/data/volumes"}) {
    Storage at;
    Json volume = at.volume("v", "1Gi", R"({"persistentVolumeReclaimPolicy":"Delete",
      "claimRef":{"namespace":"n","name":"c","uid":"gone"}})");
    at.world.edit("PersistentVolume", "v", [&](Json& changed) {
      changed["spec"]["hostPath"]["path"] = path;
      changed["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = kLocalPath;
    });
    ASSERT_TRUE(at.world.settle());
    EXPECT_EQ(at.phase("PersistentVolume", "v"), "Failed") << path;
    EXPECT_TRUE(at.removed->empty());
  }
}

TEST(ClaimBinder, TheFirstConsumerChoosesTheNode) {
  Storage at;
  at.storage_class("local", R"({"volumeBindingMode":"WaitForFirstConsumer"})");
  at.claim("c", "1Gi", kLocal);
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.last_event(),
            "WaitForFirstConsumer: waiting for first consumer to be created before binding");
  at.pod("p", "c", "");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.last_event(), "WaitForPodScheduled: waiting for pod p to be scheduled");
  at.world.edit("Pod", "p", [](Json& pod) { pod["spec"]["nodeName"] = "node-1"; });
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "c"), "Bound");
  const Json volume = *at.world.find("PersistentVolume", at.volume_of("c"));
  const auto on = [&](const char* node) {
    const Json where = {
        {"metadata", {{"name", node}, {"labels", {{"kubernetes.io/hostname", node}}}}}};
    return is_reachable(volume, &where);
  };
  EXPECT_TRUE(on("node-1"));
  EXPECT_FALSE(on("node-2"));
  EXPECT_TRUE(volume["spec"]["hostPath"]["path"].get<std::string>().starts_with(
      "/data/volumes/node-1/pvc-"));
}

TEST(ClaimBinder, TheDefaultClassIsForClaimsThatSayNothing) {
  Storage at;
  at.claim("unsaid");
  at.claim("none", "1Gi", R"({"storageClassName":""})");
  at.claim("unknown", "1Gi", R"({"storageClassName":"nope"})");
  ASSERT_TRUE(at.world.settle());
  std::set<std::string> told;
  for (const RecordEvent& event : at.world.events) told.insert(event.message);
  EXPECT_EQ(told,
            (std::set<std::string>{
                "storageclass.storage.k8s.io \"nope\" not found",
                "no persistent volumes available for this claim and no storage class is set"}));
  const char* marked =
      R"({"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}})";
  at.storage_class("old", marked);
  ++at.world.now;
  at.storage_class("new", marked);
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ((*at.world.find("PersistentVolumeClaim", "unsaid"))["spec"]["storageClassName"], "new");
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "unsaid"), "Bound");
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "none"), "Pending");
}

TEST(ClaimBinder, OtherProvisionersAreAsked) {
  Storage at;
  at.storage_class("csi", R"({"provisioner":"csi.example.com"})");
  at.claim("c", "1Gi", R"({"storageClassName":"csi"})");
  ASSERT_TRUE(at.world.settle());
  const Json claim = *at.world.find("PersistentVolumeClaim", "c");
  EXPECT_EQ(claim["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"],
            "csi.example.com");
  at.storage_class("local");
  at.claim("picky", "1Gi", R"({"storageClassName":"local","selector":{"matchLabels":{"a":"b"}}})");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.last_event(),
            "ProvisioningFailed: claim.Spec.Selector is not supported by nacelle.dev/local-path");
}

TEST(ClaimBinder, ABoundVolumeStaysAndALostOneIsSaid) {
  Storage at;
  at.volume("v");
  at.claim("c");
  ASSERT_TRUE(at.world.settle());
  at.world.remove("PersistentVolume", "v");
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolume", "v"), "Bound") << "protected while it is bound";
  at.world.edit("PersistentVolume", "v",
                [](Json& volume) { volume["metadata"].erase("finalizers"); });
  ASSERT_TRUE(at.world.settle());
  EXPECT_EQ(at.phase("PersistentVolume", "v"), "gone");
  EXPECT_EQ(at.phase("PersistentVolumeClaim", "c"), "Lost");
  EXPECT_EQ(at.last_event(),
            "ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!");
}

}  // namespace
}  // namespace nacelle::control::workload
