// openapi_names.h: definitions of OpenAPI documents: which there are, and their schemas as JSON.
//
// Home:    pure.
// Source:  kubernetes-api.md section 5.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "kube/schema/kind.h"

namespace nacelle::kube::server {

// "io.k8s.api.core.v1.Pod", "com.example.demo.v1.Gadget".
[[nodiscard]] std::string definition_name(const schema::Kind& kind);

enum class OpenApi { kV2, kV3 };

// Collects the definitions that a set of kinds needs.
class Definitions {
 public:
  explicit Definitions(OpenApi version) : version_(version) {}

  void add(const schema::Kind& kind);
  // By name, each a schema.
  [[nodiscard]] const std::map<std::string, Json>& all() const { return all_; }

 private:
  [[nodiscard]] Json schema_of(const schema::Node& node, std::size_t depth);
  [[nodiscard]] Json reference(const schema::Node& node);
  [[nodiscard]] Json inline_schema(const schema::Node& node, std::size_t depth);

  const OpenApi version_;
  std::map<std::string, Json> all_;
};

// The operations of one kind on one object and its collection: a map of OpenAPI paths to items.
[[nodiscard]] Json paths_of(const schema::Kind& kind);

}  // namespace nacelle::kube::server
