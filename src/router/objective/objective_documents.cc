#include "router/objective/objective_documents.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "yaml/documents.h"

namespace nacelle::router::objective {

namespace {

constexpr std::string_view kGroup = "llm-d.ai/v1alpha2";
constexpr std::string_view kOldGroup = "inference.networking.x-k8s.io/v1alpha2";
constexpr std::size_t kMaxDocuments = 20'000;
constexpr std::int64_t kMaxWeight = 1'000'000;

// Reads one document and collects what is wrong with it.
class Document {
 public:
  Document(std::size_t number, std::string& problems) : number_(number), problems_(problems) {}

  void problem(std::string_view path, std::string_view what) {
    if (!problems_.empty()) problems_ += "\n";
    problems_ += fmt::format("document {}, {}: {}", number_, path, what);
  }

  std::string text(const YAML::Node& node, std::string_view path) {
    if (!node) return "";
    if (node.IsScalar()) return node.Scalar();
    problem(path, "expected text");
    return "";
  }

  std::string required(const YAML::Node& node, std::string_view path) {
    std::string out = text(node, path);
    if (out.empty()) problem(path, "is required");
    return out;
  }

  std::int64_t number(const YAML::Node& node, std::string_view path, std::int64_t low,
                      std::int64_t high) {
    std::int64_t value = 0;
    if (!node.IsScalar() || !YAML::convert<std::int64_t>::decode(node, value)) {
      problem(path, "expected a whole number");
      return low;
    }
    if (value < low || value > high) {
      problem(path, fmt::format("{} is outside {} to {}", value, low, high));
      return low;
    }
    return value;
  }

  // A child that is a map or absent.
  YAML::Node map(const YAML::Node& parent, const char* key, std::string_view path) {
    if (!parent.IsMap()) return YAML::Node(YAML::NodeType::Map);
    const YAML::Node child = parent[key];
    if (!child || child.IsNull()) return YAML::Node(YAML::NodeType::Map);
    if (!child.IsMap()) {
      problem(path, "expected a map");
      return YAML::Node(YAML::NodeType::Map);
    }
    return child;
  }

  // A child that is a list or absent.
  YAML::Node list(const YAML::Node& parent, const char* key, std::string_view path) {
    const YAML::Node child = parent.IsMap() ? parent[key] : YAML::Node();
    if (!child || child.IsNull()) return YAML::Node(YAML::NodeType::Sequence);
    if (!child.IsSequence()) {
      problem(path, "expected a list");
      return YAML::Node(YAML::NodeType::Sequence);
    }
    return child;
  }

  ObjectName name(const YAML::Node& root) {
    const YAML::Node metadata = map(root, "metadata", "metadata");
    ObjectName out;
    out.name = required(metadata["name"], "metadata.name");
    if (std::string space = text(metadata["namespace"], "metadata.namespace"); !space.empty()) {
      out.name_space = std::move(space);
    }
    return out;
  }

  PoolRef pool(const YAML::Node& spec) {
    const YAML::Node ref = map(spec, "poolRef", "spec.poolRef");
    return {text(ref["group"], "spec.poolRef.group"), text(ref["kind"], "spec.poolRef.kind"),
            text(ref["name"], "spec.poolRef.name")};
  }

  InferenceObjective objective(const YAML::Node& root) {
    InferenceObjective out;
    out.name = name(root);
    const YAML::Node spec = map(root, "spec", "spec");
    out.pool = pool(spec);
    if (spec["priority"]) {
      out.priority =
          static_cast<int>(number(spec["priority"], "spec.priority", INT32_MIN, INT32_MAX));
    }
    return out;
  }

  InferenceModelRewrite rewrite(const YAML::Node& root) {
    InferenceModelRewrite out;
    out.name = name(root);
    out.created =
        text(map(root, "metadata", "metadata")["creationTimestamp"], "metadata.creationTimestamp");
    const YAML::Node spec = map(root, "spec", "spec");
    out.pool = pool(spec);
    const YAML::Node rules = list(spec, "rules", "spec.rules");
    for (std::size_t i = 0; i < rules.size(); ++i) {
      out.rules.push_back(rule(rules[i], fmt::format("spec.rules[{}]", i)));
    }
    return out;
  }

  RewriteRule rule(const YAML::Node& node, const std::string& path) {
    RewriteRule out;
    const YAML::Node matches = list(node, "matches", path + ".matches");
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const std::string at = fmt::format("{}.matches[{}].model", path, i);
      const YAML::Node model = map(matches[i], "model", at);
      const std::string type = text(model["type"], at + ".type");
      if (!type.empty() && type != "Exact") {
        problem(at + ".type", fmt::format("'{}' is unknown; there is Exact", type));
      }
      out.models.push_back(required(model["value"], at + ".value"));
    }
    const YAML::Node targets = list(node, "targets", path + ".targets");
    if (targets.size() == 0) problem(path + ".targets", "is required");
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::string at = fmt::format("{}.targets[{}]", path, i);
      if (!targets[i].IsMap()) {
        problem(at, "expected a map");
        continue;
      }
      RewriteTarget target;
      target.model = required(targets[i]["modelRewrite"], at + ".modelRewrite");
      if (targets[i]["weight"]) {
        target.weight =
            static_cast<std::uint32_t>(number(targets[i]["weight"], at + ".weight", 1, kMaxWeight));
      }
      out.targets.push_back(std::move(target));
    }
    return out;
  }

 private:
  std::size_t number_;
  std::string& problems_;
};

// Objects in the order they came, the current group winning over the old one.
template <class Object>
class Collected {
 public:
  void add(Object object, bool current_group) {
    const auto same = std::find_if(objects_.begin(), objects_.end(), [&](const auto& entry) {
      return entry.first.name == object.name;
    });
    if (same == objects_.end()) {
      objects_.emplace_back(std::move(object), current_group);
    } else if (current_group || !same->second) {  // within a group the later one, as applying does
      *same = {std::move(object), current_group};
    }
  }
  std::vector<Object> take() {
    std::vector<Object> out;
    for (auto& [object, unused] : objects_) out.push_back(std::move(object));
    return out;
  }

 private:
  std::vector<std::pair<Object, bool>> objects_;
};

}  // namespace

Result<ObjectiveSet> parse_objective_documents(std::string_view text) {
  std::string problems;
  Collected<InferenceObjective> objectives;
  Collected<InferenceModelRewrite> rewrites;
  try {
    ASSIGN_OR_RETURN(const std::vector<yaml::Document> documents,
                     yaml::load_documents(text, kMaxDocuments));
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const YAML::Node& root = documents[i].root;
      if (!root.IsMap()) continue;
      Document document(i + 1, problems);
      const std::string group = document.text(root["apiVersion"], "apiVersion");
      const std::string kind = document.text(root["kind"], "kind");
      const bool wanted = kind == "InferenceObjective" || kind == "InferenceModelRewrite";
      if (!wanted) continue;
      if (group != kGroup && group != kOldGroup) {
        document.problem("apiVersion", fmt::format("'{}' is unknown for {}; there are {} and {}",
                                                   group, kind, kGroup, kOldGroup));
        continue;
      }
      if (kind == "InferenceObjective") {
        objectives.add(document.objective(root), group == kGroup);
      } else {
        rewrites.add(document.rewrite(root), group == kGroup);
      }
    }
  } catch (const YAML::Exception& error) {
    return invalid_argument("not YAML: {}", error.what());
  }
  if (!problems.empty()) return Status(Code::kInvalidArgument, problems);
  return ObjectiveSet{objectives.take(), rewrites.take()};
}

}  // namespace nacelle::router::objective
