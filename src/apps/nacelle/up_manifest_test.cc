#include "apps/nacelle/up_manifest.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace nacelle::apps {
namespace {

UpOptions options_of(const std::string& model) {
  UpOptions options;
  options.model = model;
  options.engines = 3;
  return options;
}

TEST(UpManifest, NamesTheModelItsReplicasAndWhoPicks) {
  UpOptions options = options_of("/models/Llama-3.2-1B/");
  options.engine_args = {"--max-model-len", "2048"};
  options.policy = "least-loaded";
  auto made = make_up_manifest(options, 2, "/data/manifests/x.yaml");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->service, "llama-3-2-1b");
  ASSERT_EQ(made->parts.size(), 3u);
  EXPECT_EQ(made->parts[0].object.resource.plural, "llminferenceservices");
  const std::vector<YAML::Node> documents = YAML::LoadAll(made->text());
  ASSERT_EQ(documents.size(), 3u);
  const YAML::Node spec = documents[0]["spec"];
  EXPECT_EQ(spec["model"]["uri"].as<std::string>(), "file:///models/Llama-3.2-1B");
  EXPECT_EQ(spec["model"]["name"].as<std::string>(), "Llama-3.2-1B");
  EXPECT_EQ(spec["replicas"].as<int>(), 3);
  EXPECT_EQ(spec["template"]["containers"][0]["args"].as<std::vector<std::string>>(),
            (std::vector<std::string>{"--threads", "2", "--max-model-len", "2048",
                                      "--enable-prompt-tokens-details"}));
  EXPECT_EQ(documents[1]["spec"]["rules"][0]["backendRefs"][0]["name"].as<std::string>(),
            "llama-3-2-1b-inference-pool");
  EXPECT_EQ(documents[2]["spec"]["picker"]["policy"].as<std::string>(), "least-loaded");
  for (std::size_t i = 0; i < documents.size(); ++i)
    EXPECT_EQ(documents[i]["metadata"]["name"].as<std::string>(), made->parts[i].object.name);
}

TEST(UpManifest, WhatTheUserSaysStaysOneValue) {
  UpOptions options = options_of("/models/it's: {odd} # \"name\"");
  options.engine_args = {"--threads=1", "--chat-template", "{{ x }}: \"y\"\n- z"};
  auto made = make_up_manifest(options, 2, "/x.yaml");
  ASSERT_TRUE(made) << made.error().message();
  const YAML::Node spec = YAML::LoadAll(made->text())[0]["spec"];
  EXPECT_EQ(spec["model"]["name"].as<std::string>(), "it's: {odd} # \"name\"");
  EXPECT_EQ(spec["template"]["containers"][0]["args"][2].as<std::string>(), "{{ x }}: \"y\"\n- z");
  EXPECT_EQ(spec["template"]["containers"][0]["args"][0].as<std::string>(), "--threads=1");
}

TEST(UpManifest, NamesOfObjectsFollowTheirRules) {
  EXPECT_EQ(object_name("Qwen3_0.6B"), "qwen3-0-6b");
  EXPECT_EQ(object_name("7b--"), "b");
  EXPECT_EQ(object_name(std::string(300, 'a')).size(), 40u);
  EXPECT_EQ(object_name("123"), "");
  EXPECT_FALSE(make_up_manifest(options_of("/models/123"), 1, "/x.yaml"));
}

}  // namespace
}  // namespace nacelle::apps
