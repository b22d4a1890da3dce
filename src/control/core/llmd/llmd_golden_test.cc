// What services and pools of inference.llm-d.ai become: objects and statuses as goldens.
//
// With NACELLE_UPDATE_GOLDENS set the goldens are written instead of compared.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/core/llmd/testing/fleet.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(NACELLE_TESTDATA) / "llmd";

std::string read(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

std::vector<Json> load(const std::string& name) {
  std::vector<Json> out;
  std::istringstream text(read(kFolder / name));
  std::string part;
  std::string line;
  const auto take = [&] {
    auto object = kube::json_of_yaml(part);
    EXPECT_TRUE(object.ok()) << name;
    if (object.ok() && object->is_object()) out.push_back(*std::move(object));
    part.clear();
  };
  while (std::getline(text, line)) {
    if (line == "---") {
      take();
    } else {
      part += line + "\n";
    }
  }
  take();
  return out;
}

// What the world counts and when things happened is nobody's contract.
void strip(Json& value) {
  if (value.is_object()) {
    for (const char* field :
         {"uid", "resourceVersion", "generation", "observedGeneration", "creationTimestamp",
          "lastTransitionTime", "nacelle.dev/applied-digest"}) {
      value.erase(field);
    }
  }
  if (!value.is_structured()) return;
  for (Json& each : value) strip(each);
}

class LlmdExamples : public ::testing::TestWithParam<const char*> {};

TEST_P(LlmdExamples, MakeTheObjectsOfTheGolden) {
  const std::string name = GetParam();
  testing::Fleet fleet(load(name + ".yaml"));
  ASSERT_TRUE(fleet.settle()) << fleet.world.text();
  EXPECT_EQ(fleet.world.writes_to_settle(), 0);
  Json golden = Json::array();
  for (Json object : fleet.world.objects()) {
    const std::string_view kind = kube::text_at(object, {"kind"});
    if (kind == "Pod" || kind == "ReplicaSet") continue;
    if (kind == "Deployment") object.erase("status");
    strip(object);
    golden.push_back(std::move(object));
  }
  const std::filesystem::path path = kFolder / (name + ".golden.json");
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << golden.dump(1) << "\n";
    return;
  }
  const Json expected = Json::parse(read(path), nullptr, false);
  EXPECT_EQ(golden, expected) << Json::diff(expected, golden).dump(1);
}

INSTANTIATE_TEST_SUITE_P(Llmd, LlmdExamples, ::testing::Values("service", "autoscaled", "pool"));

}  // namespace
}  // namespace nacelle::control::llmd
