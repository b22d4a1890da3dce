// program.h: what runs for an image, since images are not pulled.
//
// Engine images (ours, vLLM's, those in KServe's presets) mean this binary; the Endpoint Picker's
// image means its `epp`, that of the sidecar of prefill and decode its `pd-sidecar`. Their tags and
// registries do not matter. Every other image is only a name: its command runs from the host, if it
// is there. Commands that name an engine by itself ("vllm serve ...", "python3 -m
// vllm.entrypoints.openai.api_server ...") mean this binary under any image; inside scripts the
// agent's folder of programs, first in PATH, does the same.
//
// Home:    pure.
// Errors:  not_found with a sentence for the user: the container waits with ErrImagePull.
// Source:  kserve.md section A7 (images and entries of the presets).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/core/pod/pod_spec.h"

namespace nacelle::control::pod {

enum class ImageKind : std::uint8_t { kEngine, kPicker, kSidecar, kOther };

// By the repository's path, without registry, tag and digest.
[[nodiscard]] ImageKind image_kind(std::string_view image);

struct ProgramContext {
  std::string engine;  // path of our binary
  std::string pod_ip;  // what an engine listens on unless it is told otherwise
  bool add_host = true;
};

// The whole command line: command and args with variables expanded, and an engine's with
// `--host <pod address>` unless it says so itself. argv[0] may be a name for PATH.
[[nodiscard]] Result<std::vector<std::string>> program_of(const Container& container,
                                                          const StringMap& variables,
                                                          const ProgramContext& context);

// A script for the agent's folder of programs: the name `vllm` or `nacelle` for our binary, which
// adds
// `--host` from NACELLE_POD_IP when it serves and none is given.
[[nodiscard]] std::string engine_script(std::string_view engine, std::string_view name);

}  // namespace nacelle::control::pod
