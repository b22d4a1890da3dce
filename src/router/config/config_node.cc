#include "router/config/config_node.h"

#include <yaml-cpp/yaml.h>

namespace nacelle::router {
namespace {

constexpr int kMaxLevels = 64;
constexpr std::size_t kMaxNodes = 50'000;

class Converter {
 public:
  Result<ConfigNode> convert(const YAML::Node& node, int level) {
    if (level > kMaxLevels) return invalid_argument("more than {} levels deep", kMaxLevels);
    if (++nodes_ > kMaxNodes) return invalid_argument("more than {} values", kMaxNodes);
    ConfigNode out;
    out.line = node.Mark().is_null() ? 0 : node.Mark().line + 1;
    if (node.IsScalar()) {
      out.kind = ConfigNode::Kind::kScalar;
      out.text = node.Scalar();
      out.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
      out.kind = ConfigNode::Kind::kList;
      for (const auto& item : node) {
        ASSIGN_OR_RETURN(ConfigNode child, convert(item, level + 1));
        out.items.push_back(std::move(child));
      }
    } else if (node.IsMap()) {
      out.kind = ConfigNode::Kind::kMap;
      for (const auto& entry : node) {
        if (!entry.first.IsScalar()) return invalid_argument("line {}: a key is no text", out.line);
        const std::string& key = entry.first.Scalar();
        if (out.find(key) != nullptr) {
          return invalid_argument("line {}: key '{}' occurs twice", entry.first.Mark().line + 1,
                                  key);
        }
        ASSIGN_OR_RETURN(ConfigNode child, convert(entry.second, level + 1));
        out.fields.emplace_back(key, std::move(child));
      }
    }
    return out;
  }

 private:
  std::size_t nodes_ = 0;
};

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  for (const auto& [name, value] : fields) {
    if (name == key) return &value;
  }
  return nullptr;
}

Result<ConfigNode> parse_config_text(std::string_view yaml) {
  if (yaml.size() > kMaxConfigBytes) {
    return invalid_argument("{} bytes; a configuration has at most {}", yaml.size(),
                            kMaxConfigBytes);
  }
  try {
    return Converter().convert(YAML::Load(std::string(yaml)), 0);
  } catch (const YAML::Exception& error) {
    return invalid_argument("line {}: not YAML: {}", error.mark.line + 1, error.msg);
  }
}

}  // namespace nacelle::router
