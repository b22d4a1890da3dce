// api_model.h: the objects of a Kubernetes API to a model.
//
// Unlike a file, an API holds objects of many authors, in every state of repair: one that cannot be
// read is left out, a reference that leads nowhere answers 500 (gateway.md section 1.7), and the
// rest is served. InferencePools find their endpoints among the pods by label.
//
// Home:    pure; any thread.
// Errors:  none: what was left out is told, one line each, for a log and for conditions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gateway/config/model.h"
#include "gateway/config/objects.h"
#include "gateway/config/report.h"

namespace nacelle::gateway {

using ApiObject = std::shared_ptr<const nlohmann::json>;

struct ApiModel {
  GatewayModel model;
  std::string left_out;  // "" when nothing was
  CompileReport report;
};

// `objects` are of the kinds of files (decode.h), with kind and apiVersion; `settings` are those of
// the process.
[[nodiscard]] ApiModel model_of_api(const std::vector<ApiObject>& objects,
                                    const std::vector<ApiObject>& pods, const Settings& settings);

// Nothing unless the pod is ready, has an address and is not being deleted.
[[nodiscard]] std::optional<PodObject> serving_pod(const nlohmann::json& pod);

}  // namespace nacelle::gateway
