// exchange_span.h: a request as the span that the gateway tells of it.
//
// Home:    pure.
// Source:  gateway.md section 14: gen_ai convention, span kind SERVER for the proxy's own span.
#pragma once

#include "gateway/observe/exchange_record.h"
#include "tracing/span.h"

namespace nacelle::gateway {

[[nodiscard]] tracing::Span span_of(const ExchangeRecord& record);

}  // namespace nacelle::gateway
