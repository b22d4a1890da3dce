#include "gateway/config/documents.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "yaml/documents.h"

namespace nacelle::gateway {
namespace {

constexpr std::size_t kMaxDocuments = 20'000;

using nlohmann::json;

json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(begin, end, whole);
      error == std::errc() && stop == end) {
    return whole;
  }
  const bool numeric = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  double real = 0;
  if (numeric) {
    const auto [stop, error] = std::from_chars(begin, end, real);
    if (error == std::errc() && stop == end && std::isfinite(real)) return real;
  }
  return text;
}

class Converter {
 public:
  // `nodes` counts over all documents of a file: aliases grow.
  Converter(std::size_t first_line, std::size_t& nodes) : first_line_(first_line), nodes_(nodes) {}
  Result<json> convert(const YAML::Node& node, std::size_t depth) {
    if (++nodes_ > kMaxNodes) return invalid_argument("more than {} values", kMaxNodes);
    if (depth > kMaxDepth) return invalid_argument("nested deeper than {}", kMaxDepth);
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return node.Tag() == "!" ? json(node.Scalar()) : plain_scalar(node.Scalar());
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const auto& item : node) {
          ASSIGN_OR_RETURN(json value, convert(item, depth + 1));
          list.push_back(std::move(value));
        }
        return list;
      }
      case YAML::NodeType::Map: {
        json map = json::object();
        for (const auto& entry : node) {
          if (!entry.first.IsScalar()) {
            return invalid_argument("line {}: a key that is no scalar", line_of(entry.first));
          }
          if (map.contains(entry.first.Scalar())) {
            return invalid_argument("line {}: the key '{}' stands here twice", line_of(entry.first),
                                    entry.first.Scalar());
          }
          ASSIGN_OR_RETURN(json value, convert(entry.second, depth + 1));
          map[entry.first.Scalar()] = std::move(value);
        }
        return map;
      }
      default:
        return json();
    }
  }

 private:
  std::size_t line_of(const YAML::Node& node) const {
    return first_line_ + static_cast<std::size_t>(node.Mark().line) + 1;
  }

  const std::size_t first_line_;
  std::size_t& nodes_;
};

}  // namespace

Result<std::vector<Document>> parse_documents(std::string_view source, std::string_view text) {
  std::vector<Document> documents;
  auto loaded = yaml::load_documents(text, kMaxDocuments);
  if (!loaded) return loaded.error().with_context(source);
  std::size_t nodes = 0;
  try {
    for (const yaml::Document& document : *loaded) {
      const YAML::Node& node = document.root;
      if (!node || node.IsNull()) continue;
      auto object = Converter(document.first_line, nodes).convert(node, 0);
      if (!object) return object.error().with_context(source);
      const std::size_t line =
          document.first_line + static_cast<std::size_t>(std::max(0, node.Mark().line)) + 1;
      const std::string where =
          loaded->size() > 1 ? fmt::format("{}:{}", source, line) : std::string(source);
      const auto items = object->find("items");
      if (object->is_object() && object->value("kind", json()) == json("List") &&
          items != object->end() && items->is_array()) {
        for (std::size_t i = 0; i < items->size(); ++i) {
          documents.push_back({fmt::format("{} items[{}]", where, i), (*items)[i]});
        }
      } else {
        documents.push_back({where, std::move(*object)});
      }
    }
  } catch (const YAML::Exception& error) {
    return invalid_argument("{}: not YAML: {}", source, error.what());
  }
  return documents;
}

}  // namespace nacelle::gateway
