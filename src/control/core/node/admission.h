// admission.h: may this pod run on this node, beside those that are there?
//
// Home:    pure.
// Source:  kubernetes-api.md section 22.1 (OutOfcpu, UnexpectedAdmissionError).
#pragma once

#include <optional>
#include <string>

#include "control/core/pod/pod_spec.h"

namespace nacelle::control::node {

struct Refusal {
  std::string reason;  // "OutOfcpu", "OutOfpods", "OutOfnvidia.com/gpu"
  std::string message;
};

// `used` is the sum of the requests of the pods that hold resources, `pods` their number.
[[nodiscard]] inline std::optional<Refusal> refuse(const pod::PodSpec& spec,
                                                   const pod::Resources& allocatable,
                                                   const pod::Resources& used, std::size_t pods) {
  const auto room = allocatable.find("pods");
  if (room != allocatable.end() && static_cast<std::int64_t>(pods) >= room->second.value()) {
    return Refusal{"OutOfpods",
                   fmt::format("Pod was rejected: Node didn't have enough resource: pods, "
                               "requested: 1, used: {}, capacity: {}",
                               pods, room->second.to_string())};
  }
  for (const auto& [resource, amount] : pod_requests(spec)) {
    if (amount <= Quantity()) continue;
    const auto capacity = allocatable.find(resource);
    const Quantity has = capacity == allocatable.end() ? Quantity() : capacity->second;
    const auto taken = used.find(resource);
    Quantity sum = taken == used.end() ? Quantity() : taken->second;
    const std::string used_text = sum.to_string();
    sum += amount;
    if (sum <= has) continue;
    return Refusal{"OutOf" + resource,
                   fmt::format("Pod was rejected: Node didn't have enough resource: {}, requested: "
                               "{}, used: {}, capacity: {}",
                               resource, amount.to_string(), used_text, has.to_string())};
  }
  return std::nullopt;
}

}  // namespace nacelle::control::node
