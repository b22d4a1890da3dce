// api_model.h: the objects of a Kubernetes API to a model.
//
// Unlike a file, an API holds objects of many authors, in every state of repair: one that cannot be
// read is left out, a reference that leads nowhere answers 500 (gateway.md section 1.7), and the
// rest is served. InferencePools find their endpoints among the pods by label.
//
// Home:    pure; any thread, but an ApiReader has one.
// Errors:  none: what was left out is told, one line each, for a log and for conditions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
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

// Makes one model after the other: of a thousand objects only those that changed are read again. An
// object is the same as long as its pointer is.
//
// Home:    one thread.
class ApiReader {
 public:
  // As model_of_api() of the same.
  [[nodiscard]] ApiModel model(const std::vector<ApiObject>& objects,
                               const std::vector<ApiObject>& pods, const Settings& settings);

 private:
  struct Read {
    Objects objects;    // one, or none
    std::string wrong;  // "" when it can be read
    std::uint64_t turn = 0;
  };
  struct ReadPod {
    std::shared_ptr<const PodObject> pod;  // null: it does not serve
    std::uint64_t turn = 0;
  };
  const Read& read(const ApiObject& object);
  const std::shared_ptr<const PodObject>& read_pod(const ApiObject& object);

  std::unordered_map<ApiObject, Read> read_;  // of the last model; holds the objects
  std::unordered_map<ApiObject, ReadPod> pods_;
  std::uint64_t turn_ = 0;
};

// `objects` are of the kinds of files (decode.h), with kind and apiVersion; `settings` are those of
// the process.
[[nodiscard]] ApiModel model_of_api(const std::vector<ApiObject>& objects,
                                    const std::vector<ApiObject>& pods, const Settings& settings);

// Nothing unless the pod is ready, has an address and is not being deleted.
[[nodiscard]] std::optional<PodObject> serving_pod(const nlohmann::json& pod);

}  // namespace nacelle::gateway
