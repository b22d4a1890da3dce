// schemas/*.yaml say the same as the decoders, field by field and in both directions: each object
// of a schema is written with a field that nobody knows, and what the decoder says that there is
// must be what the schema has.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>

#include "base/file.h"
#include "gateway/ai/config/ai_config.h"
#include "gateway/config/decode.h"
#include "kube/yaml.h"

namespace nacelle::gateway {
namespace {

using Json = nlohmann::json;
using Names = std::set<std::string, std::less<>>;

constexpr const char* kProbe = "qqqqqqqqqqqqqqqqqqqqqqqq";  // near to no name
constexpr const char* kOpen = "x-kubernetes-preserve-unknown-fields";

Json load(const char* folder) {
  Json kinds = Json::object();
  const std::filesystem::path path = std::string(NACELLE_SOURCE_DIR) + "/src/gateway/" + folder;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    auto file = kube::json_of_yaml(*read_file(entry.path().string(), 1 << 20));
    EXPECT_TRUE(file) << entry.path();
    if (file) kinds.update((*file)["kinds"]);
  }
  return kinds;
}

Json object_of(const std::string& kind, const Json& schema) {
  return {{"apiVersion", schema["api"]}, {"kind", kind}, {"metadata", {{"name", "x"}}}};
}

// The text after "<path>.<probe>: unknown field; there are ", up to the end of its line.
Names known_names(const std::string& problems, const std::string& path) {
  Names out;
  const std::string mark = path + kProbe + ": unknown field; there are ";
  const std::size_t at = problems.find(mark);
  if (at == std::string::npos) return out;
  std::string_view rest(problems);
  rest.remove_prefix(at + mark.size());
  rest = rest.substr(0, rest.find('\n'));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    out.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return out;
}

using Decode = std::string (*)(const Json& object);

std::string decode_gateway_object(const Json& object) {
  Objects objects;
  Problems problems;
  decode_object("file", object, nullptr, objects, problems);
  return problems.status().message();
}

std::string decode_ai_object(const Json& object) {
  const auto parsed = ai::parse_ai_config(
      object.dump(), [](const std::string&) { return std::optional<std::string>(); });
  return parsed ? "" : parsed.error().message();
}

class SchemaWalk {
 public:
  SchemaWalk(std::string kind, const Json& schema, Decode decode)
      : kind_(std::move(kind)), schema_(schema), decode_(decode) {}

  void run() {
    visit(schema_, "", [](Json& root) -> Json& { return root; });
  }

  [[nodiscard]] int objects() const { return objects_; }

 private:
  using Place = std::function<Json&(Json& root)>;

  void visit(const Json& schema, const std::string& path, const Place& place) {
    const auto properties = schema.find("properties");
    if (properties == schema.end()) return;
    const bool root = path.empty();
    if (!schema.value(kOpen, false) && !(root && decode_ == decode_ai_object) &&
        !(root && properties->empty()))
      compare(schema, path, place);
    for (const auto& [name, field] : properties->items()) {
      const bool list = field.contains("items");
      const Json& inside = list ? field["items"] : field;
      const Json with = field.value("x-with", Json::object());
      visit(inside, path + name + (list ? "[0]." : "."),
            [place, with, list, key = std::string(name)](Json& object) -> Json& {
              Json& parent = place(object);
              parent.update(with);
              if (!list) return parent[key];
              parent[key].push_back(Json::object());
              return parent[key][0];
            });
    }
  }

  void compare(const Json& schema, const std::string& path, const Place& place) {
    ++objects_;
    Names expected;
    for (const auto& [name, unused] : schema["properties"].items()) expected.insert(name);
    Json object = object_of(kind_, schema_);
    Json& probed = place(object);
    const Json::json_pointer first_type("/properties/type/enum/0");
    if (schema.contains(first_type)) probed["type"] = schema[first_type];
    probed[kProbe] = 1;
    const std::string problems = decode_(object);
    Names known = known_names(problems, path.empty() ? ": " : path);
    for (const char* common : {"apiVersion", "kind", "metadata", "status"}) {
      if (path.empty()) known.erase(common);
    }
    ASSERT_FALSE(known.empty()) << kind_ << " at " << path << ": " << problems;
    if (schema.contains("x-choice")) {
      EXPECT_TRUE(std::includes(expected.begin(), expected.end(), known.begin(), known.end()));
    } else {
      EXPECT_EQ(known, expected) << kind_ << " at " << path;
    }
  }

  const std::string kind_;
  const Json& schema_;
  const Decode decode_;
  int objects_ = 0;
};

int walk(const Json& kinds, Decode decode, const Names& without) {
  int objects = 0;
  for (const auto& [kind, schema] : kinds.items()) {
    if (schema.value("lenient", false) || without.contains(kind)) continue;
    SchemaWalk one(kind, schema, decode);
    one.run();
    objects += one.objects();
  }
  return objects;
}

TEST(Schemas, HaveTheFieldsThatTheDecodersRead) {
  EXPECT_GT(walk(load("config/schemas"), decode_gateway_object, {"Namespace"}), 90);
}

TEST(Schemas, OfTheAiPartHaveTheFieldsThatItsParsersRead) {
  const Json kinds = load("ai/config/schemas");
  // The gateway decodes Backend, too, and is the stricter one.
  EXPECT_GT(walk(kinds, decode_ai_object, {"Backend"}), 50);
  SchemaWalk backend("Backend", kinds["Backend"], decode_gateway_object);
  backend.run();
  EXPECT_GT(backend.objects(), 5);
}

}  // namespace
}  // namespace nacelle::gateway
