#include "control/kube/event_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "control/kube/resource_names.h"

namespace nacelle::control {
namespace {

using kube::number_at;
using kube::text_at;
using ::testing::StartsWith;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kStart = 1'800'000'000 * kSecond;

RecordEvent event(const std::string& message, const std::string& name = "web") {
  return {{"apps/v1", "Deployment", "n", name}, "Normal", "Scaled", message};
}

TEST(EventBook, TheSameWordsCountUp) {
  EventBook book("test");
  const auto first = book.tell(event("up"), "uid", kStart);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->first);
  EXPECT_EQ(text_at(first->object, {"involvedObject", "uid"}), "uid");
  EXPECT_EQ(text_at(first->object, {"metadata", "namespace"}), "n");
  EXPECT_THAT(std::string(text_at(first->object, {"metadata", "name"})), StartsWith("web."));
  const auto again = book.tell(event("up"), "uid", kStart + 5 * kSecond);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->first);
  EXPECT_EQ(number_at(again->object, {"count"}), 2);
  EXPECT_EQ(text_at(again->object, {"metadata", "name"}),
            text_at(first->object, {"metadata", "name"}));
  EXPECT_EQ(text_at(again->object, {"firstTimestamp"}), "2027-01-15T08:00:00Z");
  EXPECT_EQ(text_at(again->object, {"lastTimestamp"}), "2027-01-15T08:00:05Z");
  book.forget(std::string(text_at(first->object, {"metadata", "name"})));
  EXPECT_TRUE(book.tell(event("up"), "uid", kStart + 9 * kSecond)->first) << "the API lost it";
}

TEST(EventBook, ManySimilarOnesBecomeOne) {
  EventBook book("test");
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    const auto told = book.tell(event("pod " + std::to_string(i)), "", kStart + i * kSecond);
    ASSERT_TRUE(told) << i;
    names.insert(std::string(text_at(told->object, {"metadata", "name"})));
    if (i < 10) continue;
    EXPECT_THAT(std::string(text_at(told->object, {"message"})),
                StartsWith("(combined from similar events): pod "));
  }
  EXPECT_EQ(names.size(), 11U) << "ten of their own, and one for all after them";
}

TEST(EventBook, OneObjectMayBeTalkedOfTwentyFiveTimes) {
  EventBook book("test");
  int told = 0;
  for (int i = 0; i < 100; ++i) told += book.tell(event("up"), "", kStart).has_value();
  EXPECT_EQ(told, 25);
  EXPECT_TRUE(book.tell(event("up", "other"), "", kStart)) << "of others, nothing was said yet";
  EXPECT_FALSE(book.tell(event("up"), "", kStart + 200 * kSecond));
  EXPECT_TRUE(book.tell(event("up"), "", kStart + 301 * kSecond)) << "one more in five minutes";
}

TEST(EventBook, EventsOfTheClusterLieInDefault) {
  EventBook book("test");
  RecordEvent of_node = event("ready");
  of_node.about = {"v1", "Node", "", "n1"};
  const auto told = book.tell(of_node, "", kStart);
  ASSERT_TRUE(told);
  EXPECT_EQ(text_at(told->object, {"metadata", "namespace"}), "default");
  EXPECT_FALSE(told->object["involvedObject"].contains("namespace"));
}

TEST(ResourceNames, ArePlurals) {
  const std::pair<const char*, const char*> kinds[] = {
      {"Pod", "pods"},
      {"Ingress", "ingresses"},
      {"NetworkPolicy", "networkpolicies"},
      {"Gateway", "gateways"},
      {"Endpoints", "endpoints"},
      {"EndpointSlice", "endpointslices"},
      {"StorageClass", "storageclasses"},
      {"HorizontalPodAutoscaler", "horizontalpodautoscalers"},
      {"LLMInferenceService", "llminferenceservices"}};
  for (const auto& [kind, plural] : kinds) EXPECT_EQ(plural_of(kind), plural);
  EXPECT_EQ(resource_of("v1", "Pod"), (kube::Resource{"", "v1", "pods"}));
  EXPECT_EQ(resource_of("apps/v1", "Deployment"), (kube::Resource{"apps", "v1", "deployments"}));
}

}  // namespace
}  // namespace nacelle::control
