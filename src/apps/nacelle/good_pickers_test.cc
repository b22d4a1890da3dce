#include "apps/nacelle/good_pickers.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

using gateway::ClusterConfig;
using gateway::GatewayModel;

GatewayModel model_with(const char* plugins, const char* objects = "") {
  GatewayModel model;
  for (const char* name : {"pool/ml/one", "pool/ml/two"}) {
    ClusterConfig& pool = model.clusters.emplace_back();
    pool.name = name;
    pool.kind = ClusterConfig::Kind::kPool;
  }
  model.clusters[0].picker.plugins = plugins;
  model.clusters[0].picker.objects = objects;
  return model;
}

constexpr const char* kGood =
    R"({"apiVersion":"llm-d.ai/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"queue-scorer"}]})";
constexpr const char* kBad =
    R"({"apiVersion":"llm-d.ai/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"queue-scoerr"}]})";

TEST(GoodPickers, APickerThatDoesNotLoadIsTheLastOneThatDid) {
  GoodPickers pickers;
  GatewayModel model = model_with(kBad);
  const std::string wrong = pickers.mend(model);
  EXPECT_NE(wrong.find("pool/ml/one:plugins[0]"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("queue-scorer"), std::string::npos) << wrong;
  EXPECT_EQ(model.clusters[0].picker, gateway::PickerConfig());

  model = model_with(kGood);
  EXPECT_EQ(pickers.mend(model), "");
  EXPECT_EQ(model.clusters[0].picker.plugins, kGood);

  for (int i = 0; i < 2; ++i) {
    model = model_with(kBad);
    EXPECT_EQ(pickers.mend(model), wrong);
    EXPECT_EQ(model.clusters[0].picker.plugins, kGood);
    EXPECT_EQ(model.clusters[1].picker, gateway::PickerConfig());
  }
}

TEST(GoodPickers, SoAreObjectivesThatCannotBeRead) {
  GoodPickers pickers;
  GatewayModel model = model_with("", R"(---
{"apiVersion":"llm-d.ai/v1alpha2","kind":"InferenceObjective","metadata":{"name":"a"},"spec":{"priority":"high"}}
)");
  EXPECT_NE(pickers.mend(model).find("spec.priority"), std::string::npos);
  EXPECT_EQ(model.clusters[0].picker, gateway::PickerConfig());
}

}  // namespace
}  // namespace nacelle::apps
