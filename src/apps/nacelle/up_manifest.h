// up_manifest.h: what `nacelle up` applies on its first start, as a file one can read and apply
// again: the model's service, a route for requests that name no service, and the picking policy.
//
// Home:    pure.
// Errors:  invalid_argument when the folder's name makes no name of an object.
#pragma once

#include <string>
#include <vector>

#include "apps/nacelle/up_options.h"
#include "base/result.h"
#include "kube/resource.h"

namespace nacelle::apps {

struct UpManifest {
  struct Part {
    kube::ObjectRef object;
    std::string yaml;
  };
  std::string service;  // name of the LLMInferenceService, in namespace default
  std::vector<Part> parts;
  [[nodiscard]] std::string text() const;  // of the file
};

// `threads` are those of each engine; `path` is where the file will lie.
[[nodiscard]] Result<UpManifest> make_up_manifest(const UpOptions& options, std::size_t threads,
                                                  const std::filesystem::path& path);

// "Llama-3.2-1B" as the name of an object: "llama-3-2-1b".
[[nodiscard]] std::string object_name(std::string_view text);

}  // namespace nacelle::apps
