#include "router/handler/disagg/disagg.h"

#include <algorithm>

namespace nacelle::router {
namespace {

using State = ProfileResult::State;

void remove_header(Decision& decision, std::string_view name) {
  auto& removed = decision.remove_headers;
  if (std::find(removed.begin(), removed.end(), name) == removed.end()) removed.emplace_back(name);
}

void set_header(Decision& decision, std::string_view name, std::string value) {
  for (HeaderValue& header : decision.set_headers) {
    if (header.name == name) {
      header.value = std::move(value);
      return;
    }
  }
  decision.set_headers.push_back({std::string(name), std::move(value)});
}

void write_headers(const PickContext& context, Decision& decision,
                   std::optional<std::uint32_t> prefill, std::optional<std::uint32_t> encode) {
  remove_header(decision, kPrefillHeader);
  if (prefill && decision.results[*prefill].done()) {
    const Target& target = decision.results[*prefill].targets.front();
    set_header(decision, kPrefillHeader, context.endpoint(target.position).address);
  }
  remove_header(decision, kEncodersHeader);
  if (!encode || !decision.results[*encode].done()) return;
  std::string list;
  for (const Target& target : decision.results[*encode].targets) {
    if (!list.empty()) list += ',';
    list += context.endpoint(target.position).address;
  }
  set_header(decision, kEncodersHeader, std::move(list));
}

// The name as written, or the default. A profile that is named must exist.
std::optional<std::uint32_t> profile_of(Fields& fields, BuildContext& context, std::string_view key,
                                        std::string name, bool required) {
  const bool named = fields.has(key);
  fields.text(key, name);
  const auto found = context.profile(name);
  if (!found && (named || required)) {
    fields.problem(key, fmt::format("there is no profile '{}'", name));
  }
  return found;
}

}  // namespace

std::shared_ptr<Plugin> DisaggProfileHandler::make(Fields& fields, BuildContext& context) {
  DisaggOptions options;
  fields.choice("stageOrder", options.prefill_first,
                {{"decode-first", false}, {"prefill-first", true}});
  const auto read_profiles = [&](Fields& from, std::string_view decode, std::string_view prefill,
                                 std::string_view encode) {
    options.decode = profile_of(from, context, decode, "decode", true);
    options.prefill = profile_of(from, context, prefill, "prefill", options.prefill_first);
    options.encode = profile_of(from, context, encode, "encode", false);
  };
  if (fields.has("profiles")) {
    fields.object("profiles", [&](Fields& profiles) {
      read_profiles(profiles, "decode", "prefill", "encode");
    });
  } else {
    read_profiles(fields, "decodeProfile", "prefillProfile", "encodeProfile");
  }
  const auto read_deciders = [&](Fields& from, std::string_view prefill, std::string_view encode) {
    if (Decider* found = context.reference<Decider>(from, prefill, "decider")) {
      options.prefill_decider = found;
    }
    if (Decider* found = context.reference<Decider>(from, encode, "decider")) {
      options.encode_decider = found;
    }
  };
  read_deciders(fields, "deciderPluginName", "encodeDeciderPluginName");
  read_deciders(fields, "prefillDeciderPluginName", "encodeDeciderPluginName");
  fields.object("deciders",
                [&](Fields& deciders) { read_deciders(deciders, "prefill", "encode"); });
  if (options.prefill_decider != nullptr && !options.prefill) {
    fields.problem("deciders.prefill", "there is a decider but no prefill profile");
  }
  return std::make_shared<DisaggProfileHandler>(options);
}

std::shared_ptr<Plugin> DisaggProfileHandler::make_pd(Fields& fields, BuildContext& context) {
  DisaggOptions options;
  options.decode = profile_of(fields, context, "decodeProfile", "decode", true);
  options.prefill = profile_of(fields, context, "prefillProfile", "prefill", true);
  fields.count("primaryPort", options.primary_port, 0, 65535);
  fields.ignored("prefixPluginType");  // the decider knows its own producer
  fields.ignored("prefixPluginName");
  fields.ignored("prefixMatchInfoProducerName");
  options.prefill_decider = context.reference<Decider>(fields, "deciderPluginName", "decider");
  return std::make_shared<DisaggProfileHandler>(options);
}

bool DisaggProfileHandler::waits(const PickContext& context,
                                 std::optional<std::uint32_t> profile) const {
  return profile && context.decision.results[*profile].state == State::kNotRun;
}

std::optional<std::uint32_t> DisaggProfileHandler::next(const PickContext& context) const {
  if (options_.prefill_first) {
    if (waits(context, options_.prefill)) return options_.prefill;
    return waits(context, options_.decode) ? options_.decode : std::nullopt;
  }
  if (!options_.decode) return std::nullopt;
  if (waits(context, options_.decode)) return options_.decode;
  const ProfileResult& decode = context.decision.results[*options_.decode];
  if (!decode.done()) return std::nullopt;
  const std::uint32_t target = decode.targets.front().position;
  if (waits(context, options_.encode) && options_.encode_decider != nullptr &&
      options_.encode_decider->wanted(context, target)) {
    return options_.encode;
  }
  if (waits(context, options_.prefill) && options_.prefill_decider != nullptr &&
      options_.prefill_decider->wanted(context, target)) {
    return options_.prefill;
  }
  return std::nullopt;
}

void DisaggProfileHandler::finish(const PickContext& context, Decision& decision) const {
  if (!options_.decode || !decision.results[*options_.decode].done()) {
    return decision.refuse(resource_exhausted("failed to find available decode workers"), 429,
                           kReasonSaturated);
  }
  decision.primary = *options_.decode;
  write_headers(context, decision, options_.prefill, options_.encode);
  if (options_.primary_port == 0) return;
  remove_header(decision, kDataParallelHeader);
  set_header(decision, kDataParallelHeader,
             context.endpoint(decision.targets().front().position).address);
  decision.destination_port = options_.primary_port;
}

std::string_view DisaggProfileHandler::stages(const Decision& decision) const {
  const auto ran = [&](std::optional<std::uint32_t> profile) {
    return profile && decision.results[*profile].done();
  };
  if (ran(options_.encode))
    return ran(options_.prefill) ? "encode-prefill-decode" : "encode-decode";
  return ran(options_.prefill) ? "prefill-decode" : "decode-only";
}

std::shared_ptr<Plugin> DisaggHeaders::make(Fields& fields, BuildContext& context) {
  const auto prefill = profile_of(fields, context, "prefillProfile", "prefill", false);
  const auto encode = profile_of(fields, context, "encodeProfile", "encode", false);
  return std::make_shared<DisaggHeaders>(prefill, encode);
}

void DisaggHeaders::finish(const PickContext& context, Decision& decision) const {
  write_headers(context, decision, prefill_, encode_);
}

}  // namespace nacelle::router
