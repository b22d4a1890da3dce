#include "control/core/pod/program.h"

#include <algorithm>

#include "control/core/pod/expansion.h"

namespace nacelle::control::pod {
namespace {

constexpr std::string_view kEngineImages[] = {
    "nacelle",
    "nacelle-engine",
    "vllm-openai",
    "vllm-openai-cpu",
    "vllm-cpu-release-repo",
    "vllm-cpu",
    "vllm",
    "llm-d-cuda",
    "llm-d-cpu",
    "llm-d-xpu",
    "llm-d-rocm",
    "llm-d-hpu",
    "llm-d",
    "llm-d-aws",
    "huggingfaceserver",
    "llm-d-inference-sim",
};
constexpr std::string_view kPickerImages[] = {"llm-d-router-endpoint-picker",
                                              "llm-d-inference-scheduler", "epp"};
constexpr std::string_view kSidecarImages[] = {"llm-d-router-disagg-sidecar",
                                               "llm-d-routing-sidecar"};

std::string_view last_part(std::string_view image) {
  image = image.substr(0, image.find('@'));
  if (const std::size_t slash = image.rfind('/'); slash != std::string_view::npos) {
    image.remove_prefix(slash + 1);
  }
  return image.substr(0, image.find(':'));
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool names_python(std::string_view program) {
  const std::string_view name = base_name(program);
  return name == "python" || name.starts_with("python3");
}

bool has_host(const std::vector<std::string>& argv) {
  return std::any_of(argv.begin(), argv.end(), [](const std::string& arg) {
    return arg == "--host" || arg.starts_with("--host=");
  });
}

using Argv = std::vector<std::string>;

// Command lines that are an engine's by themselves become `<engine> <sub-command> ...`.
bool take_engine(Argv& argv, const std::string& engine) {
  if (argv.empty()) return false;
  const std::string_view name = base_name(argv[0]);
  if (name == "vllm" || name == "nacelle") {
    argv[0] = engine;
    return true;
  }
  if (names_python(argv[0]) && argv.size() >= 3 && argv[1] == "-m" &&
      argv[2] == "vllm.entrypoints.openai.api_server") {
    argv.erase(argv.begin() + 1, argv.begin() + 3);
    argv[0] = engine;
    argv.insert(argv.begin() + 1, "serve");
    return true;
  }
  return false;
}

}  // namespace

ImageKind image_kind(std::string_view image) {
  const std::string_view name = last_part(image);
  const auto is = [&](std::string_view known) { return name == known; };
  if (std::any_of(std::begin(kEngineImages), std::end(kEngineImages), is))
    return ImageKind::kEngine;
  if (std::any_of(std::begin(kPickerImages), std::end(kPickerImages), is))
    return ImageKind::kPicker;
  if (std::any_of(std::begin(kSidecarImages), std::end(kSidecarImages), is))
    return ImageKind::kSidecar;
  return ImageKind::kOther;
}

Result<std::vector<std::string>> program_of(const Container& container, const StringMap& variables,
                                            const ProgramContext& context) {
  Argv argv;
  for (const std::string& text : container.command) argv.push_back(expand(text, variables));
  const bool given = !argv.empty();
  for (const std::string& text : container.args) argv.push_back(expand(text, variables));
  bool engine = false;
  if (given) {
    engine = take_engine(argv, context.engine);
  } else {
    switch (image_kind(container.image)) {
      case ImageKind::kEngine:
        // The image's entry point is the server; an argument "serve" is the sub-command itself.
        if (argv.empty() || argv[0] != "serve") argv.insert(argv.begin(), "serve");
        argv.insert(argv.begin(), context.engine);
        engine = true;
        break;
      case ImageKind::kPicker:
        argv.insert(argv.begin(), {context.engine, "epp"});
        break;
      case ImageKind::kSidecar:
        argv.insert(argv.begin(), {context.engine, "pd-sidecar", "--host=" + context.pod_ip});
        break;
      case ImageKind::kOther:
        return not_found(
            "image \"{}\" cannot be pulled: this node runs programs of its host and the engines it "
            "has; give the container a command that exists here",
            container.image);
    }
  }
  if (engine && context.add_host && argv.size() > 1 && argv[1] == "serve" && !has_host(argv)) {
    argv.emplace_back("--host");
    argv.push_back(context.pod_ip);
  }
  if (argv[0].empty()) return not_found("the command's first word is empty");
  return argv;
}

std::string engine_script(std::string_view engine, std::string_view name) {
  std::string quoted = "'";
  for (const char c : engine) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  quoted += '\'';
  return fmt::format(R"(#!/bin/sh
# {} of this node: made by the node agent, first in PATH of every container.
if [ "$1" = serve ] && [ -n "$NACELLE_POD_IP" ]; then
  told=
  for word in "$@"; do
    case "$word" in --host|--host=*) told=1 ;; esac
  done
  [ -n "$told" ] || set -- "$@" --host "$NACELLE_POD_IP"
fi
exec {} "$@"
)",
                     name, quoted);
}

}  // namespace nacelle::control::pod
