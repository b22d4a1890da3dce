#include "gateway/config/load.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "gateway/config/compile.h"
#include "gateway/config/decode.h"
#include "gateway/config/documents.h"
#include "gateway/gateway_config.h"

namespace nacelle::gateway {

Result<std::vector<std::string>> list_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      const auto extension = entry.path().extension();
      const bool hidden = entry.path().filename().string().starts_with(".");
      if (!hidden && (extension == ".yaml" || extension == ".yml"))
        found.push_back(entry.path().string());
    }
    if (error) return unavailable("cannot read the folder {}: {}", path, error.message());
    if (found.empty()) return not_found("the folder {} has no *.yaml file", path);
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

Result<GatewayModel> parse_model(const std::vector<std::pair<std::string, std::string>>& files,
                                 ConfigPart* part) {
  std::vector<Document> documents;
  Problems problems;
  for (const auto& [name, text] : files) {
    auto parsed = parse_documents(name, text);
    if (!parsed) {
      problems.add(name, parsed.error().message());
      continue;
    }
    for (Document& document : *parsed) documents.push_back(std::move(document));
  }
  if (problems.empty() && documents.size() == 1 && documents[0].object.is_object() &&
      !documents[0].object.contains("apiVersion")) {
    auto config = parse_gateway_config(files[0].second);
    if (!config) return config.error().with_context(files[0].first);
    GatewayModel model = model_of(*config);
    if (!config->endpoint_picker_config.empty()) {
      // Beside the file that names it.
      const auto path =
          std::filesystem::path(files[0].first).parent_path() / config->endpoint_picker_config;
      ASSIGN_OR_RETURN(model.clusters.front().picker.plugins,
                       read_file(path.string(), std::size_t{1} << 20));
    }
    return model;
  }
  const bool readable = problems.empty();
  Objects objects;
  for (const Document& document : documents)
    decode_object(document.source, document.object, part, objects, problems);
  if (part != nullptr && readable) part->read(files, objects, problems);
  // References of objects that could not be read would only repeat what is wrong.
  RETURN_IF_ERROR(problems.status());
  return compile_model(objects);
}

Result<GatewayModel> load_model(const std::vector<std::string>& paths, ConfigPart* part) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, list_files(paths));
  std::vector<std::pair<std::string, std::string>> files;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(std::string text, read_file(name, kMaxFileBytes));
    files.emplace_back(name, std::move(text));
  }
  return parse_model(files, part);
}

}  // namespace nacelle::gateway
