// disagg.h: prefill and decode (and encode) on different endpoints.
//
//   decode-first   decode; then encode and prefill, each if its decider says so
//   prefill-first  prefill always, then decode
// The decode target gets the request; headers tell its sidecar who prefills and encodes.
//
// Home:    immutable, pure.
// Errors:  "failed to find available decode workers" without a decode target.
// Source:  router.md section 9.3 (`disagg-profile-handler`; `pd-profile-handler`,
//          `disagg-headers-handler` and `prefill-header-handler` are deprecated forms).
#pragma once

#include <memory>
#include <string>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

inline constexpr std::string_view kPrefillHeader = "x-prefiller-host-port";
inline constexpr std::string_view kEncodersHeader = "x-encoder-hosts-ports";
inline constexpr std::string_view kDataParallelHeader = "x-data-parallel-host-port";

struct DisaggOptions {
  bool prefill_first = false;
  std::optional<std::uint32_t> decode, prefill, encode;  // profiles
  const Decider* prefill_decider = nullptr;              // null: never
  const Decider* encode_decider = nullptr;
  std::uint16_t primary_port = 0;  // of data-parallel ranks behind one sidecar; 0: none
};

class DisaggProfileHandler final : public Plugin, public ProfileHandler {
 public:
  explicit DisaggProfileHandler(const DisaggOptions& options) : options_(options) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_pd(Fields& fields, BuildContext& context);
  [[nodiscard]] std::optional<std::uint32_t> next(const PickContext& context) const override;
  void finish(const PickContext& context, Decision& decision) const override;
  [[nodiscard]] std::string_view stages(const Decision& decision) const override;

 private:
  [[nodiscard]] bool waits(const PickContext& context, std::optional<std::uint32_t> profile) const;

  DisaggOptions options_;
};

// Writes the headers only: for handlers that do not themselves.
class DisaggHeaders final : public Plugin, public Finisher {
 public:
  DisaggHeaders(std::optional<std::uint32_t> prefill, std::optional<std::uint32_t> encode)
      : prefill_(prefill), encode_(encode) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void finish(const PickContext& context, Decision& decision) const override;

 private:
  std::optional<std::uint32_t> prefill_, encode_;
};

}  // namespace nacelle::router
