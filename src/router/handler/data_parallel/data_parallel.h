// data_parallel.h: one profile over the data-parallel ranks of pods that share a sidecar port.
//
// The chosen rank goes into a header, and the request to the primary port of its pod.
//
// Home:    immutable, pure.
// Source:  router.md section 9.3 (deprecated upstream, still in use).
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class DataParallelProfileHandler final : public Plugin, public ProfileHandler {
 public:
  explicit DataParallelProfileHandler(std::uint16_t primary_port) : primary_port_(primary_port) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] std::optional<std::uint32_t> next(const PickContext& context) const override;
  void finish(const PickContext& context, Decision& decision) const override;

 private:
  std::uint16_t primary_port_;
};

}  // namespace nacelle::router
