#include "cli/kube/manifest.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "kube/yaml.h"

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

struct Piece {
  std::string_view text;
  std::size_t line;
};

// YAML has its markers at the start of a line only, and inside no scalar but a block of text, which
// is indented.
std::vector<Piece> documents_of(std::string_view text) {
  std::vector<Piece> out;
  std::size_t begin = 0;
  std::size_t begin_line = 1;
  std::size_t line = 1;
  for (std::size_t at = 0; at <= text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    const bool mark = row.starts_with("---") || row.starts_with("...");
    if (mark && (row.size() == 3 || row[3] == ' ' || row[3] == '\t' || row[3] == '\r')) {
      out.push_back({text.substr(begin, at - begin), begin_line});
      // What follows "--- " belongs to the document.
      begin = row[0] == '-' ? at + 3 : end;
      begin_line = line;
    }
    at = end + 1;
  }
  out.push_back({text.substr(std::min(begin, text.size())), begin_line});
  return out;
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    const std::size_t first = row.find_first_not_of(" \t\r");
    if (first != row.npos && row[first] != '#' && row[first] != '%') return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

Result<Json> parse_document(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') {
    Json out = Json::parse(text, nullptr, false);
    if (!out.is_discarded()) return out;  // else it may be YAML in braces
  }
  return kube::json_of_yaml(text);
}

Status take(Json object, const std::string& from, std::vector<ManifestObject>& out) {
  if (!object.is_object()) return invalid_argument("{}: this is no object of an API", from);
  const std::string kind(text_at(object, {"kind"}));
  if (kind.empty()) return invalid_argument("{}: the object has no kind", from);
  if (text_at(object, {"apiVersion"}).empty()) {
    return invalid_argument("{}: {} has no apiVersion", from, kind);
  }
  if (kind.ends_with("List") && object.contains("items") && object["items"].is_array()) {
    for (Json& item : object["items"]) RETURN_IF_ERROR(take(std::move(item), from, out));
    return {};
  }
  if (text_at(object, {"metadata", "name"}).empty()) {
    return invalid_argument("{}: {} has no metadata.name", from, kind);
  }
  if (out.size() == kMaxDocuments) {
    return out_of_range("{}: more than {} objects", from, kMaxDocuments);
  }
  out.push_back({std::move(object), from});
  return {};
}

Result<std::string> read_input() {
  std::string out;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0)
      return unavailable("cannot read standard input: {}", std::generic_category().message(errno));
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > kMaxBytes)
      return out_of_range("standard input has more than {} bytes", kMaxBytes);
  }
}

bool is_manifest(const std::filesystem::path& file) {
  const auto end = file.extension();
  return end == ".yaml" || end == ".yml" || end == ".json";
}

template <class Iterator>
Result<std::vector<std::filesystem::path>> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  for (Iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (is_manifest(at->path()) && at->is_regular_file(ignored)) out.push_back(at->path());
  }
  if (error) return unavailable("cannot read the folder {}: {}", folder.string(), error.message());
  std::sort(out.begin(), out.end());
  return out;
}

int rank(const Json& object) {
  const std::string_view kind = text_at(object, {"kind"});
  return kind == "Namespace" ? 0 : kind == "CustomResourceDefinition" ? 1 : 2;
}

}  // namespace

Result<std::vector<ManifestObject>> parse_manifest(std::string_view text,
                                                   const std::string& source) {
  std::vector<ManifestObject> out;
  for (const Piece& piece : documents_of(text)) {
    if (is_blank(piece.text)) continue;
    const std::string from = source + ":" + std::to_string(piece.line);
    auto document = parse_document(piece.text);
    if (!document.ok()) {
      // The parser counts lines from the document's first one: it gets as many as come before.
      auto again = parse_document(std::string(piece.line - 1, '\n').append(piece.text));
      return (again.ok() ? document : again).error().with_context(from);
    }
    if (document->is_null()) continue;
    RETURN_IF_ERROR(take(std::move(*document), from, out));
  }
  return out;
}

Result<std::vector<ManifestObject>> read_manifests(const std::string& path, bool recursive) {
  if (path == "-") {
    ASSIGN_OR_RETURN(const std::string text, read_input());
    return parse_manifest(text, "stdin");
  }
  std::error_code ignored;
  std::vector<std::filesystem::path> files{path};
  if (std::filesystem::is_directory(path, ignored)) {
    if (recursive) {
      ASSIGN_OR_RETURN(files, files_below<std::filesystem::recursive_directory_iterator>(path));
    } else {
      ASSIGN_OR_RETURN(files, files_below<std::filesystem::directory_iterator>(path));
    }
    if (files.empty()) {
      return not_found("the folder {} has no *.yaml, *.yml or *.json", path);
    }
  }
  std::vector<ManifestObject> out;
  for (const auto& file : files) {
    ASSIGN_OR_RETURN(const std::string text, read_file(file, kMaxBytes));
    ASSIGN_OR_RETURN(auto objects, parse_manifest(text, file.string()));
    std::move(objects.begin(), objects.end(), std::back_inserter(out));
  }
  return out;
}

void sort_for_creation(std::vector<ManifestObject>& objects) {
  std::stable_sort(objects.begin(), objects.end(),
                   [](const ManifestObject& a, const ManifestObject& b) {
                     return rank(a.object) < rank(b.object);
                   });
}

}  // namespace nacelle::cli
