// encode.h: a batch of spans as an export request of OTLP.
//
// Home:    pure.
// Source:  OTLP 1.x: JSON has ids in hex and 64-bit numbers as strings; protobuf has bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tracing/config.h"
#include "tracing/span.h"

namespace nacelle::tracing {

// `scope` names what made the spans: "nacelle/gateway".
[[nodiscard]] std::string export_json(const TracingConfig& config, std::string_view scope,
                                      std::span<const Span> spans);
[[nodiscard]] std::string export_protobuf(const TracingConfig& config, std::string_view scope,
                                          std::span<const Span> spans);

}  // namespace nacelle::tracing
