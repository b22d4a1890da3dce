#include "kube/index.h"

#include <gtest/gtest.h>

#include <random>

namespace nacelle::kube {
namespace {

Json random_object(std::mt19937& random) {
  Json object{{"metadata", {{"namespace", "n" + std::to_string(random() % 2)}}}};
  if (random() % 3 != 0) {
    object["metadata"]["labels"]["app"] = "a" + std::to_string(random() % 3);
  }
  if (random() % 3 != 0) object["spec"]["nodeName"] = "a" + std::to_string(random() % 3);
  if (random() % 9 == 0) object["spec"]["nodeName"] = random() % 3;
  if (random() % 9 == 0) object["metadata"]["labels"] = nullptr;
  for (unsigned owner = 0; owner < random() % 3; ++owner) {
    object["metadata"]["ownerReferences"].push_back(
        {{"uid", "a" + std::to_string(random() % 3)}, {"controller", owner == 0}});
  }
  return object;
}

// What an index finds is what a search through all objects finds.
TEST(Index, EqualsASearch) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const Index::Values kinds[] = {by_label("app"), by_namespace(), by_owner(), by_controller(),
                                 by_field({"spec", "nodeName"})};
  std::vector<Index> indexes(std::begin(kinds), std::end(kinds));
  std::map<ObjectKey, Json> objects;
  for (int step = 0; step < 2000; ++step) {
    const ObjectKey key{"ns", std::to_string(random() % 20)};
    const auto known = objects.find(key);
    const Json before = known == objects.end() ? Json() : known->second;
    const bool goes = !before.is_null() && random() % 3 == 0;
    const Json now = goes ? Json() : random_object(random);
    for (Index& index : indexes) {
      index.update(key, before.is_null() ? nullptr : &before, goes ? nullptr : &now);
    }
    if (goes) {
      objects.erase(key);
    } else {
      objects[key] = now;
    }
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      std::map<std::string, std::set<ObjectKey>> expected;
      for (const auto& [name, object] : objects) {
        for (const std::string& value : kinds[i](object)) expected[value].insert(name);
      }
      ASSERT_EQ(indexes[i].size(), expected.size());
      for (const auto& [value, keys] : expected) ASSERT_EQ(indexes[i].keys(value), keys) << value;
    }
  }
  EXPECT_TRUE(indexes[0].keys("none").empty());
}

}  // namespace
}  // namespace nacelle::kube
