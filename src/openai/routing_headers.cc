#include "openai/routing_headers.h"

#include <algorithm>
#include <array>

namespace nacelle::openai {
namespace {

// Lower case.
constexpr auto kPicker = std::to_array<std::string_view>({
    "x-gateway-destination-endpoint",
    "x-gateway-destination-endpoint-served",
    "x-gateway-destination-endpoint-subset",
    "x-gateway-inference-fairness-id",
    "x-gateway-inference-objective",
    "x-gateway-model-name-rewrite",
    "x-llm-d-inference-fairness-id",
    "x-llm-d-inference-objective",
    "x-llm-d-model-name-rewrite",
    "x-llm-d-request-dropped-reason",
    "x-llm-d-slo-tpot-ms",
    "x-llm-d-slo-ttft-ms",
    "x-llm-d-video-duration-seconds",
    "x-llm-d-video-fps",
    "x-llm-d-video-resolution",
    "x-slo-tpot-ms",
    "x-slo-ttft-ms",
});

// Beside the picker's; x-ai-eg-* and x-aigw-* as a whole.
constexpr auto kProxy = std::to_array<std::string_view>({
    "x-data-parallel-host-port",
    "x-data-parallel-rank",
    "x-encoder-hosts-ports",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-internal",
    "x-envoy-max-retries",
    "x-envoy-original-path",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-ms",
    "x-forwarded-client-cert",
    "x-gateway-model-name",
    "x-kv-cache-source-host-port",
    "x-prefiller-host-port",
});

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool starts_with(std::string_view name, std::string_view lower_prefix) {
  return name.size() >= lower_prefix.size() &&
         std::equal(lower_prefix.begin(), lower_prefix.end(), name.begin(),
                    [](char ours, char theirs) { return ours == lower(theirs); });
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [name](std::string_view one) {
    return one.size() == name.size() && starts_with(name, one);
  });
}

// Most names of a request end here.
bool begins_with_x(std::string_view name) {
  return name.size() > 3 && lower(name[0]) == 'x' && name[1] == '-';
}

}  // namespace

bool is_picker_header(std::string_view name) {
  return begins_with_x(name) && is_one_of(kPicker, name);
}

bool is_system_header(std::string_view name) {
  return begins_with_x(name) && (is_one_of(kPicker, name) || is_one_of(kProxy, name) ||
                                 starts_with(name, "x-ai-eg-") || starts_with(name, "x-aigw-"));
}

}  // namespace nacelle::openai
