// negotiate.h: in which form an answer is wanted.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 4.1 and 6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kube/server/failure.h"

namespace nacelle::kube::server {

enum class Form : std::uint8_t { kObject, kTable, kMetadata };

struct Wanted {
  Form form = Form::kObject;
  bool yaml = false;
  std::string meta_version = "v1";  // of Table and PartialObjectMetadata: "v1" or "v1beta1"
};

// The first clause of an Accept header that can be answered.
[[nodiscard]] Try<Wanted> negotiate(std::string_view accept);

// Which form of discovery: "v2" aggregated, or the lists of old.
enum class DiscoveryForm : std::uint8_t { kLegacy, kAggregatedV2 };
[[nodiscard]] Try<DiscoveryForm> negotiate_discovery(std::string_view accept);

// True when a clause of the header names the type, without its parameters.
[[nodiscard]] bool accepts_type(std::string_view accept, std::string_view type);

}  // namespace nacelle::kube::server
