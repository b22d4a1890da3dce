#include "control/kube/serving_view.h"

#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

TEST(ServingView, WhatIsSaidOfAServiceIsNotWhatIsAskedOfIt) {
  const Json before = {{"metadata",
                        {{"name", "chat"},
                         {"resourceVersion", "1"},
                         {"labels", {{"team", "a"}}},
                         {"finalizers", {"keep"}}}},
                       {"spec", {{"replicas", 1}}},
                       {"status", {{"readyReplicas", 0}}}};
  const auto differs = [&](const char* pointer, const Json& value) {
    Json now = before;
    now[Json::json_pointer(pointer)] = value;
    return other_than_status(before, now);
  };
  EXPECT_FALSE(differs("/status/readyReplicas", 1));
  EXPECT_FALSE(differs("/metadata/resourceVersion", "2"));
  EXPECT_FALSE(differs("/metadata/managedFields", Json::array({{{"manager", "nacelle"}}})));
  EXPECT_TRUE(differs("/spec/replicas", 2));
  EXPECT_TRUE(differs("/metadata/labels/team", "b"));
  EXPECT_TRUE(differs("/metadata/annotations", {{"nacelle.dev/canary-steps", "10"}}));
  EXPECT_TRUE(differs("/metadata/finalizers", Json::array()));
  EXPECT_TRUE(differs("/metadata/deletionTimestamp", "2026-11-30T05:36:05Z"));
}

TEST(ServingView, AGatewayConcernsWhoReachesItNamesItOrWaits) {
  const kube::ObjectKey gateway{"infra", "front"};
  const Json other = {{"name", "front"}, {"namespace", "kserve"}};
  const Json ours = {{"name", "front"}, {"namespace", "infra"}};
  Json service = {{"metadata", {{"name", "chat"}, {"namespace", "infra"}}},
                  {"status",
                   {{"conditions", {{{"type", "RouterReady"}, {"status", "True"}}}},
                    {"router", {{"gateways", {other}}}}}}};
  EXPECT_FALSE(may_concern(gateway, service)) << "it is served elsewhere";
  Json reached = service;
  reached["status"]["router"]["gateways"].push_back(ours);
  EXPECT_TRUE(may_concern(gateway, reached));
  Json named = service;
  named["spec"]["router"]["gateway"]["refs"] = {{{"name", "front"}}};
  EXPECT_TRUE(may_concern(gateway, named)) << "of its own namespace";
  Json waiting = service;
  waiting["status"]["conditions"][0]["status"] = "False";
  EXPECT_TRUE(may_concern(gateway, waiting));
  service.erase("status");
  EXPECT_TRUE(may_concern(gateway, service)) << "nobody looked at it yet";
}

}  // namespace
}  // namespace nacelle::control
