// picker.h: how the gateway asks where a request goes. apps/ passes the router in.
//
// Home:    pick() on any network loop; a PickedEndpoint stays on the loop that picked it.
// Errors:  unavailable when no endpoint is left to try.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::gateway {

struct PickRequest {
  std::string_view model;  // "" when the body names none
  std::string_view cache_salt;
  std::string_view prompt;  // the prompt or the messages as they are in the body
};

// A request's place on an endpoint. Destruction gives the place back.
class PickedEndpoint {
 public:
  virtual ~PickedEndpoint() = default;
  [[nodiscard]] virtual const std::string& address() const = 0;  // host:port
  // The endpoint sent its first byte of the body.
  virtual void on_first_byte() = 0;
  // It could not be reached, or broke off: do not choose it until it answers again.
  virtual void on_failure() = 0;
};

class EndpointPicker {
 public:
  virtual ~EndpointPicker() = default;
  // `tried` holds the addresses that already failed for this request.
  [[nodiscard]] virtual Result<std::unique_ptr<PickedEndpoint>> pick(
      const PickRequest& request, std::span<const std::string> tried) = 0;
  // At least one endpoint is believed to serve.
  [[nodiscard]] virtual bool any_serving() const = 0;
  // The pool as JSON for people: address, state, load, gauges.
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace nacelle::gateway
