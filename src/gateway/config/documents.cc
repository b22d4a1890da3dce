#include "gateway/config/documents.h"
#include "gateway/ai/config/yaml_documents.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>

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
            return invalid_argument("line {}: a key that is no scalar",
                                    entry.first.Mark().line + 1);
          }
          if (map.contains(entry.first.Scalar())) {
            return invalid_argument("line {}: the key '{}' stands here twice",
                                    entry.first.Mark().line + 1, entry.first.Scalar());
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
  std::size_t nodes_ = 0;
};

}  // namespace

Result<std::vector<Document>> parse_documents(std::string_view source, std::string_view text) {
  std::vector<Document> documents;
  try {
    // Of some malformed streams LoadAll makes documents without end.
    if (auto checked = ai::load_documents(text, kMaxDocuments); !checked) {
      return checked.error().with_context(source);
    }
    const std::vector<YAML::Node> nodes = YAML::LoadAll(std::string(text));
    Converter converter;
    for (const YAML::Node& node : nodes) {
      if (!node || node.IsNull()) continue;
      auto object = converter.convert(node, 0);
      if (!object) return object.error().with_context(source);
      const std::string where = nodes.size() > 1
                                    ? fmt::format("{}:{}", source, node.Mark().line + 1)
                                    : std::string(source);
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
