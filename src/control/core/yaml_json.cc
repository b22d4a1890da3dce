#include "control/core/yaml_json.h"

#include <charconv>
#include <cstdint>
#include <string>

#include "kube/patch.h"
#include "yaml/documents.h"

namespace nacelle::control {
namespace {

using kube::Json;

// A scalar without quotes is what it looks like.
Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null") return {};
  if (text == "true") return true;
  if (text == "false") return false;
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole);
      error == std::errc{} && stop == end) {
    return whole;
  }
  double real = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, real);
      error == std::errc{} && stop == end && text.find_first_of("0123456789") != text.npos) {
    return real;
  }
  return text;
}

Result<Json> convert(const YAML::Node& node, std::size_t depth) {
  if (depth > kube::kMaxMergeDepth) return invalid_argument("nested too deep");
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return node.Tag() == "!" ? Json(node.Scalar()) : plain_scalar(node.Scalar());
    case YAML::NodeType::Sequence: {
      Json out = Json::array();
      for (const YAML::Node& item : node) {
        ASSIGN_OR_RETURN(Json value, convert(item, depth + 1));
        out.push_back(std::move(value));
      }
      return out;
    }
    case YAML::NodeType::Map: {
      Json out = Json::object();
      for (const auto& member : node) {
        if (!member.first.IsScalar()) return invalid_argument("a key is no text");
        ASSIGN_OR_RETURN(Json value, convert(member.second, depth + 1));
        out[member.first.Scalar()] = std::move(value);
      }
      return out;
    }
    default:
      return Json();
  }
}

}  // namespace

Result<Json> json_of_yaml(std::string_view document) {
  ASSIGN_OR_RETURN(const auto documents, yaml::load_documents(document, 1));
  if (documents.empty()) return invalid_argument("the document is empty");
  return convert(documents[0].root, 0);
}

}  // namespace nacelle::control
