// answers.h: objects and lists in the form that a request wants.
//
// Home:    pure, but for the clock that ages need.
// Source:  kubernetes-api.md sections 6, 9 and 10.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kube/server/call.h"
#include "kube/store.h"

namespace nacelle::kube::server {

struct ListMeta {
  std::uint64_t revision = 0;
  std::string continue_token;
  std::size_t remaining = 0;  // 0: not said
};

[[nodiscard]] Reply object_reply(const Call& call, const Wanted& wanted, const StoredObject& object,
                                 int status, std::int64_t now_s);
// Of an object that is not stored (dry run); of the stored version.
[[nodiscard]] Reply json_object_reply(const Call& call, const Wanted& wanted, const Json& object,
                                      int status, std::int64_t now_s);
[[nodiscard]] Reply list_reply(const Call& call, const Wanted& wanted,
                               const std::vector<ObjectPtr>& items, const ListMeta& meta,
                               std::int64_t now_s);

// One object as it stands within a watch event or a list, compact.
[[nodiscard]] std::string encode_object(const schema::Kind& kind, const StoredObject& object);

// A Table of some objects. `columns`: with their definitions.
[[nodiscard]] Json table_of(const Call& call, const Wanted& wanted,
                            const std::vector<const Json*>& objects, bool columns,
                            std::int64_t now_s);
[[nodiscard]] Json partial_metadata(const Json& object, std::string_view meta_version);

[[nodiscard]] std::string to_yaml(const Json& value);

}  // namespace nacelle::kube::server
