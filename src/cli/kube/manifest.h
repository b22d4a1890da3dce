// manifest.h: the objects in files that people write: YAML of many documents, JSON, Lists.
//
// Home:    pure but for reading the files that are named.
// Errors:  invalid_argument with the file and the line of the document.
// Bounds:  64 MiB a file, kMaxDocuments documents.
// Source:  kubernetes-api.md section 23.2 ("A List document is split").
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::cli {

inline constexpr std::size_t kMaxDocuments = 10'000;

struct ManifestObject {
  kube::Json object;
  std::string from;  // "app.yaml:12"
};

// Every object has apiVersion, kind and a name.
[[nodiscard]] Result<std::vector<ManifestObject>> parse_manifest(std::string_view text,
                                                                 const std::string& source);

// A file; of a folder its *.yaml, *.yml and *.json in the order of their names, of folders within
// it too when `recursive`. "-" is standard input.
[[nodiscard]] Result<std::vector<ManifestObject>> read_manifests(const std::string& path,
                                                                 bool recursive);

// Namespaces, then custom resource definitions, then the rest, each in the order they came.
void sort_for_creation(std::vector<ManifestObject>& objects);

}  // namespace nacelle::cli
