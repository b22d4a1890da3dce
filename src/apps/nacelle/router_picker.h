// router_picker.h: the gateway's EndpointPicker over the router: text is hashed here, picks happen
// there.
//
// Home:    pick() on any network loop.
#pragma once

#include <memory>
#include <random>
#include <string>

#include "gateway/picker.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

class RouterPicker final : public gateway::EndpointPicker {
 public:
  // Both outlive the picker.
  RouterPicker(router::Router& router, router::EndpointPool& pool) : router_(router), pool_(pool) {}

  [[nodiscard]] Result<std::unique_ptr<gateway::PickedEndpoint>> pick(
      const gateway::PickRequest& request, std::span<const std::string> tried) override;
  [[nodiscard]] bool any_serving() const override { return pool_.any_serving(); }
  [[nodiscard]] std::string describe() const override { return pool_.describe(); }

 private:
  router::Router& router_;
  router::EndpointPool& pool_;
};

}  // namespace nacelle::apps
