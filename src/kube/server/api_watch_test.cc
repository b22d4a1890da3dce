// api_watch_test.cc: watches as their clients see them.
#include <gtest/gtest.h>

#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

Json config_map(const std::string& name, const std::string& label) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"labels", {{"a", label}}}}}};
}

std::string summary(const Json& event) {
  if (event.is_null()) return "end";
  return event.value("type", "?") + " " +
         std::string(text_at(event["object"], {"metadata", "name"})) +
         " a=" + std::string(text_at(event["object"], {"metadata", "labels", "a"}));
}

TEST(ApiWatch, EveryChangeOnceAndInOrder) {
  ApiFixture api;
  const std::string from(version_of(api.get(kMaps).body));
  auto watch = api.watch(std::string(kMaps) + "?watch=true&resourceVersion=" + from);
  (void)api.post(kMaps, config_map("x", "1"));
  (void)api.patch(std::string(kMaps) + "/x", {{"metadata", {{"labels", {{"a", "2"}}}}}});
  (void)api.post("/api/v1/namespaces/kube-system/configmaps", config_map("other", "1"));
  (void)api.remove(std::string(kMaps) + "/x");
  EXPECT_EQ(summary(watch->next()), "ADDED x a=1");
  EXPECT_EQ(summary(watch->next()), "MODIFIED x a=2");
  const Json gone = watch->next();
  EXPECT_EQ(summary(gone), "DELETED x a=2");
  EXPECT_EQ(version_of(gone["object"]), std::to_string(api.server().store().revision()));
}

TEST(ApiWatch, ASelectorTurnsChangesIntoComingAndGoing) {
  ApiFixture api;
  const std::string from(version_of(api.get(kMaps).body));
  auto watch =
      api.watch(std::string(kMaps) + "?watch=1&labelSelector=a%3D1&resourceVersion=" + from);
  (void)api.post(kMaps, config_map("x", "1"));
  for (const char* label : {"2", "1"}) {
    (void)api.patch(std::string(kMaps) + "/x", {{"metadata", {{"labels", {{"a", label}}}}}});
  }
  (void)api.remove(std::string(kMaps) + "/x");
  EXPECT_EQ(summary(watch->next()), "ADDED x a=1");
  const Json left = watch->next();
  EXPECT_EQ(summary(left), "DELETED x a=1") << "the state before it left";
  const Json back = watch->next();
  EXPECT_EQ(summary(back), "ADDED x a=1");
  EXPECT_LT(std::stoull(std::string(version_of(left["object"]))),
            std::stoull(std::string(version_of(back["object"]))));
  EXPECT_EQ(summary(watch->next()), "DELETED x a=1");
}

TEST(ApiWatch, InitialEventsEndWithAMark) {
  ApiFixture api;
  (void)api.post(kMaps, config_map("x", "1"));
  auto watch = api.watch(std::string(kMaps) +
                         "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
                         "&resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name%3Dx");
  EXPECT_EQ(summary(watch->next()), "ADDED x a=1");
  const Json mark = watch->next();
  EXPECT_EQ(mark["type"], "BOOKMARK");
  EXPECT_EQ(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  EXPECT_EQ(api.get(std::string(kMaps) + "?watch=true&sendInitialEvents=true").status, 422);
  EXPECT_EQ(api.get(std::string(kMaps) + "?sendInitialEvents=true").status, 422);
}

TEST(ApiWatch, ATooOldVersionGetsOneErrorEvent) {
  ApiFixture api;
  (void)api.post(kMaps, config_map("x", "1"));
  api.server().store().compact();
  auto watch = api.watch(std::string(kMaps) + "?watch=true&resourceVersion=1");
  const Json error = watch->next();
  EXPECT_EQ(error["type"], "ERROR");
  EXPECT_EQ(error["object"]["code"], 410);
  EXPECT_EQ(error["object"]["reason"], "Expired");
  EXPECT_TRUE(watch->next().is_null()) << "and the stream ends";
}

TEST(ApiWatch, ATimeoutEndsItCleanlyAfterALastBookmark) {
  ApiFixture api;
  auto watch = api.watch(std::string(kMaps) + "?watch=true&resourceVersion=" +
                         std::string(version_of(api.get(kMaps).body)) +
                         "&timeoutSeconds=1&allowWatchBookmarks=true");
  EXPECT_EQ(watch->next()["type"], "BOOKMARK");
  EXPECT_TRUE(watch->next().is_null());
  EXPECT_TRUE(watch->exchange().finished());
}

TEST(ApiWatch, TablesSayTheirColumnsOnce) {
  ApiFixture api;
  (void)api.post(kMaps, config_map("x", "1"));
  auto watch = api.watch(std::string(kMaps) + "?watch=true&labelSelector=a",
                         {{"accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}});
  const Json first = watch->next();
  EXPECT_TRUE(first["object"]["columnDefinitions"].is_array());
  (void)api.post(kMaps, config_map("y", "1"));
  EXPECT_TRUE(watch->next()["object"]["columnDefinitions"].is_null());
}

}  // namespace
}  // namespace nacelle::kube
