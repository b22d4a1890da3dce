// inference_pool.h: what an InferencePool and its pods say about endpoints.
//
// Both shapes are read: inference.networking.k8s.io/v1 and, for older clusters,
// inference.networking.x-k8s.io/v1alpha2. Every pod that is ready and not being deleted is an
// endpoint per active target port, named `<pod>-rank-<index of the port>`.
//
// Home:    pure.
// Errors:  invalid_argument naming the field, for a pool that an API server should have refused.
// Source:  router.md sections 13.1, 13.4 and 13.5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/informer.h"
#include "kube/object.h"
#include "kube/resource.h"
#include "router/signals/endpoints_file.h"

namespace nacelle::epp {

inline constexpr std::string_view kPoolGroup = "inference.networking.k8s.io";
inline constexpr std::string_view kOldPoolGroup = "inference.networking.x-k8s.io";

struct InferencePool {
  kube::ObjectKey key;
  std::string selector;  // "app=vllm,tier=decode"
  std::vector<std::uint16_t> ports;
  std::string app_protocol = "http";
  std::string picker_service;  // the Service of endpointPickerRef; "" when the pool names none
  bool fail_open = false;
  friend bool operator==(const InferencePool&, const InferencePool&) = default;
};

// The collection that holds pools of a group; v1 for every group but the old one.
[[nodiscard]] kube::Resource pool_resource(std::string_view group);

[[nodiscard]] Result<InferencePool> parse_inference_pool(const kube::Json& object);

// In the order of the pods' names. Of two with the same address the first one counts.
[[nodiscard]] std::vector<router::FileEndpoint> endpoints_of(const InferencePool& pool,
                                                             const kube::Informer::Objects& pods);

}  // namespace nacelle::epp
