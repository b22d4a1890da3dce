// node.h: the structure of a kind: which fields it has, of which types, with which bounds.
//
// Built-in kinds are made of the message tables (messages.h), kinds of a CRD of their
// openAPIV3Schema (openapi_schema.h). One tree serves pruning, defaults, validation and the OpenAPI
// documents.
//
// Home:    immutable once built; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::kube::schema {

enum class Type : std::uint8_t {
  kAny,  // nothing is known of the value
  kObject,
  kArray,
  kString,
  kInteger,
  kNumber,
  kBoolean,
  kIntOrString,
  kQuantity,  // a string or a number; stored in its canonical form
  kBytes,     // base64
  kTime,      // a string or null
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

// What only schemas of CRDs say of a value.
struct Rules {
  std::optional<double> minimum, maximum;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<double> multiple_of;
  std::optional<std::uint64_t> min_length, max_length, min_items, max_items, min_properties,
      max_properties;
  std::string pattern;
  std::shared_ptr<const std::regex> compiled;  // null: the pattern is not one we understand
  std::vector<NodePtr> all_of, any_of, one_of;
  NodePtr none_of;  // `not`
  Json cel;         // x-kubernetes-validations, kept for the documents
};

struct Node {
  Type type = Type::kAny;
  std::string name;  // of the message, which OpenAPI refers to; "" for inline structures
  std::string format;
  std::string description;
  std::map<std::string, NodePtr, std::less<>> properties;
  NodePtr items;   // of an array
  NodePtr values;  // of a map with free keys
  std::vector<std::string> required;
  Json default_value;  // null: none
  Json enumeration;    // null: any value
  bool preserve_unknown = false;
  bool embedded = false;  // an object with apiVersion, kind and metadata of its own
  bool nullable = false;
  std::string list_type;               // "set", "map", "atomic", ""
  std::vector<std::string> list_keys;  // of "map"
  std::shared_ptr<const Rules> rules;  // null: none
};

}  // namespace nacelle::kube::schema
