// Folders with models, whole and damaged.
#include "control/kube/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "net/testing/test_folder.h"

namespace nacelle::control {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kConfig = R"({"model_type": "llama", "num_hidden_layers": 32,
  "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096,
  "max_position_embeddings": 8192})";
constexpr const char* kIndex = R"({"metadata": {"total_size": 3000}, "weight_map":
  {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}})";

struct ModelFolder : net::testing::TestFolder {
  // A file of that size without content.
  void sparse(const std::string& name, std::uintmax_t bytes) const {
    fs::resize_file(write(name, ""), bytes);
  }
  [[nodiscard]] llmd::ModelFacts facts() const { return read_model_folder(path()).facts; }
  [[nodiscard]] std::string wrong() const {
    const llmd::ModelFacts seen = facts();
    EXPECT_FALSE(seen.shape);
    return seen.reason + ": " + seen.message;
  }
};

TEST(ModelFolders, SizesOfWeightsAreSummed) {
  ModelFolder folder;
  folder.write("config.json", kConfig);
  folder.sparse("model-1.safetensors", std::uintmax_t{9} << 30);
  folder.sparse("model-2.safetensors", 5);
  folder.sparse("pytorch_model.bin", 7);
  const llmd::ModelFacts facts = folder.facts();
  ASSERT_TRUE(facts.shape) << facts.message;
  EXPECT_EQ(facts.shape->weight_bytes, (std::int64_t{9} << 30) + 5);
  EXPECT_EQ(facts.shape->layers, 32);
  EXPECT_EQ(facts.shape->head_dim, 128);
}

TEST(ModelFolders, AnIndexSaysWhichFilesCount) {
  ModelFolder folder;
  folder.write("config.json", kConfig);
  folder.write("model.safetensors.index.json", kIndex);
  folder.sparse("model-1.safetensors", 1000);
  folder.sparse("consolidated.safetensors", 9000);
  EXPECT_THAT(folder.wrong(), HasSubstr("ModelNotFound: " + folder.path().string() +
                                        "/model-2.safetensors is missing; with it there are 0.00 "
                                        "GiB of weights"));
  folder.sparse("model-2.safetensors", 2000);
  ASSERT_TRUE(folder.facts().shape);
  EXPECT_EQ(folder.facts().shape->weight_bytes, 3000);
  folder.write("model.safetensors.index.json", R"({"weight_map": {"a": 4}})");
  EXPECT_THAT(folder.wrong(), HasSubstr("names no file of weights"));
  folder.write("model.safetensors.index.json", "{");
  EXPECT_THAT(folder.wrong(), HasSubstr("model.safetensors.index.json is no JSON object"));
}

TEST(ModelFolders, LinksAreFollowed) {
  ModelFolder folder;
  folder.write("config.json", kConfig);
  folder.sparse("blobs/a", 1234);
  fs::create_symlink("blobs/a", folder.path() / "model.safetensors");
  ASSERT_TRUE(folder.facts().shape);
  EXPECT_EQ(folder.facts().shape->weight_bytes, 1234);
  fs::remove(folder.path() / "blobs/a");
  EXPECT_THAT(folder.wrong(), HasSubstr("model.safetensors: No such file"));
}

TEST(ModelFolders, WhatIsWrongIsSaidWithTheFile) {
  ModelFolder folder;
  folder.sparse("model.safetensors", 1000);
  const std::string config = (folder.path() / "config.json").string();
  EXPECT_EQ(folder.wrong(), "ModelNotFound: " + config + ": No such file or directory");
  EXPECT_EQ(read_model_folder("/nowhere/at/all").facts.message,
            "/nowhere/at/all/config.json: No such file or directory");
  for (const char* text : {"", "{", "[1]", "nul\0l", "{\"a\": \xff}"}) {
    folder.write("config.json", text);
    EXPECT_EQ(folder.wrong(), "ModelUnreadable: " + config + " is no JSON object") << text;
  }
  folder.write("config.json", std::string(1 << 16, '['));
  EXPECT_EQ(folder.wrong(), "ModelUnreadable: " + config + " is no JSON object");
  folder.write("config.json", "{\"num_hidden_layers\": 1e300}");
  EXPECT_THAT(folder.wrong(), HasSubstr("are no model"));
  folder.sparse("config.json", kMaxConfigBytes + 1);
  EXPECT_THAT(folder.wrong(), HasSubstr(config + " is larger than the 1048576 bytes accepted"));
  folder.write("config.json", kConfig);
  fs::remove(folder.path() / "model.safetensors");
  EXPECT_EQ(folder.wrong(), "ModelNotFound: " + folder.path().string() + " has no *.safetensors");
}

TEST(ModelFolders, OnlyRegularFilesAreOpened) {
  ModelFolder folder;
  folder.sparse("model.safetensors", 1000);
  const fs::path config = folder.path() / "config.json";
  ASSERT_EQ(::mkfifo(config.c_str(), 0600), 0);
  EXPECT_THAT(folder.wrong(), HasSubstr("config.json is not a regular file"));
  fs::remove(config);
  fs::create_directory(config);
  EXPECT_THAT(folder.wrong(), HasSubstr("config.json is not a regular file"));
  fs::remove(config);
  fs::create_symlink("config.json", config);
  EXPECT_EQ(folder.wrong(),
            "ModelUnreadable: " + config.string() + ": Too many levels of symbolic links");
  fs::remove(config);
  fs::create_symlink("/dev/zero", config);
  EXPECT_THAT(folder.wrong(), HasSubstr("config.json is not a regular file"));
}

TEST(ModelFolders, WhatDidNotMoveIsNotReadAgain) {
  ModelFolder folder;
  folder.write("config.json", kConfig);
  folder.sparse("model.safetensors", 1000);
  ModelReading before = read_model_folder(folder.path());
  ASSERT_TRUE(before.facts.shape);
  before.facts.message = "kept";
  EXPECT_EQ(read_model_folder(folder.path(), before).facts.message, "kept");
  folder.sparse("model.safetensors", 2000);
  const ModelReading larger = read_model_folder(folder.path(), before);
  EXPECT_EQ(larger.facts.message, "");
  EXPECT_EQ(larger.facts.shape->weight_bytes, 2000);
}

}  // namespace
}  // namespace nacelle::control
