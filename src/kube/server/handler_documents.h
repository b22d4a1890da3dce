// handler_documents.h: everything that is no resource: discovery, OpenAPI, version, health.
//
// Home:    any thread.
// Source:  kubernetes-api.md sections 2, 4, 5.
#pragma once

#include <optional>

#include "kube/server/call.h"
#include "kube/server/state.h"

namespace nacelle::kube::server {

// nullopt when the path is none of these.
[[nodiscard]] std::optional<Reply> serve_document(State& state, const Call& call);

[[nodiscard]] Reply plain_not_found();
[[nodiscard]] bool has_group_version(const schema::Registry& registry, std::string_view group,
                                     std::string_view version);

}  // namespace nacelle::kube::server
