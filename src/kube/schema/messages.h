// messages.h: the built-in types as tables: fields, types and protobuf numbers.
//
// Notation of a line: `Message: field=NUMBER:Type* ...`. No type is a string; `i` integer, `b`
// boolean, `y` bytes, `any` unknown JSON, Quantity, IntOrString, Time and MicroTime scalars; `{}` a
// map of strings, `{y}` of bytes, `{Quantity}`, `{any}`; `*` a list; no number: not in protobuf
// bodies. `^` in front of a field: its members stand in the parent in JSON.
//
// Home:    built once, immutable; any thread.
// Source:  kubernetes-api.md appendix A.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kube/schema/node.h"

namespace nacelle::kube::schema {

struct Field {
  std::string name;
  int number = 0;    // of protobuf; 0: none
  std::string type;  // "" string, "i", "b", "y", "any", or a message
  bool list = false;
  bool map = false;
  bool inlined = false;
};

struct Message {
  std::string name;
  std::vector<Field> fields;
  [[nodiscard]] const Field* by_number(int number) const;
};

// Null when unknown.
[[nodiscard]] const Message* message(std::string_view name);
[[nodiscard]] const std::map<std::string, Message, std::less<>>& messages();

// The tree of a message; the same object for every use. CHECKs that the message is known.
[[nodiscard]] NodePtr node_of(std::string_view message);

// The text tables, one per area.
[[nodiscard]] std::string_view core_messages();
[[nodiscard]] std::string_view pod_messages();
[[nodiscard]] std::string_view workload_messages();
[[nodiscard]] std::string_view policy_messages();
[[nodiscard]] std::string_view gateway_messages();

}  // namespace nacelle::kube::schema
