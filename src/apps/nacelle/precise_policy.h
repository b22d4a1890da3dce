// precise_policy.h: the policy `precise` of `nacelle up`: prefix-aware, with the engines' own word
// for what they hold instead of a guess.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::apps {

inline constexpr std::string_view kPrecisePolicy = "precise";

struct PrecisePolicy {
  struct Engine {
    std::string address;         // host:port of its server
    std::string events, replay;  // where it publishes
  };
  std::filesystem::path model;  // the folder whose tokenizer the engines use
  std::string chat_template;    // "": the folder's own
  std::uint32_t block_size_tokens = 16;
  std::vector<Engine> engines;
};

// As an EndpointPickerConfig.
[[nodiscard]] std::string config_text(const PrecisePolicy& policy);

// What an engine is started with to publish there (--kv-events-config).
[[nodiscard]] std::string kv_events_flag(const PrecisePolicy::Engine& engine,
                                         std::string_view model_name);

// The last value of a flag, as `--flag value` or `--flag=value`, with dashes or underscores; ""
// when it is not given.
[[nodiscard]] std::string flag_value(const std::vector<std::string>& args, std::string_view flag);

}  // namespace nacelle::apps
