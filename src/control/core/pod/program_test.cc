#include "control/core/pod/program.h"

#include <gtest/gtest.h>

#include "control/core/kserve/preset_catalogue.h"

namespace nacelle::control::pod {
namespace {

std::string line(const char* image, std::vector<std::string> command,
                 std::vector<std::string> args) {
  Container container;
  container.image = image;
  container.command = std::move(command);
  container.args = std::move(args);
  const auto argv = program_of(container, {{"PORT", "8000"}}, {"/bin/nacelle", "127.64.0.2"});
  if (!argv.ok()) return "error: " + argv.error().message().substr(0, 40);
  std::string out;
  for (const std::string& arg : *argv) out += (out.empty() ? "" : " ") + arg;
  return out;
}

TEST(Program, MapsImagesAndCommands) {
  const std::string host = " --host 127.64.0.2";
  EXPECT_EQ(line("vllm/vllm-openai:v0.10", {}, {"--model", "/m", "--port", "$(PORT)"}),
            "/bin/nacelle serve --model /m --port 8000" + host);
  EXPECT_EQ(line("ghcr.io/llm-d/llm-d-cuda@sha256:ab", {}, {"serve", "/m"}),
            "/bin/nacelle serve /m" + host);
  EXPECT_EQ(line("localhost:5000/nacelle", {}, {"/m", "--host=0.0.0.0"}),
            "/bin/nacelle serve /m --host=0.0.0.0");
  EXPECT_EQ(line("any", {"vllm", "serve", "/m"}, {}), "/bin/nacelle serve /m" + host);
  EXPECT_EQ(line("any", {"vllm", "--version"}, {}), "/bin/nacelle --version");
  EXPECT_EQ(line("any", {"python3", "-m", "vllm.entrypoints.openai.api_server"}, {"--model", "/m"}),
            "/bin/nacelle serve --model /m" + host);
  EXPECT_EQ(line("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0", {}, {"--pool-name", "p"}),
            "/bin/nacelle epp --pool-name p");
  EXPECT_EQ(line("ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0", {}, {"--port=$(PORT)"}),
            "/bin/nacelle pd-sidecar --host=127.64.0.2 --port=8000");
  EXPECT_EQ(line("vllm/vllm-openai", {"/bin/bash", "-c", "vllm serve"}, {"--"}),
            "/bin/bash -c vllm serve --");
  EXPECT_EQ(line("busybox", {"sh", "-c", "echo $$(PORT) $(PORT)"}, {}), "sh -c echo $(PORT) 8000");
  EXPECT_EQ(line("nginx:1.25", {}, {"-g"}), "error: image \"nginx:1.25\" cannot be pulled: thi");
  EXPECT_EQ(line("", {}, {}), "error: image \"\" cannot be pulled: this node run");
}

TEST(Program, EveryImageOfAPresetIsAProgram) {
  std::size_t images = 0;
  const auto look = [&](const auto& self, const kube::Json& value) -> void {
    for (const auto& [name, field] : value.items()) {
      if (name == "image" && field.is_string()) {
        ++images;
        EXPECT_NE(image_kind(field.template get_ref<const std::string&>()), ImageKind::kOther)
            << field;
      } else if (field.is_structured()) {
        self(self, field);
      }
    }
  };
  for (const kube::Json& preset : kserve::presets()) look(look, preset);
  EXPECT_GT(images, 10U);
}

}  // namespace
}  // namespace nacelle::control::pod
