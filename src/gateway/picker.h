// picker.h: how the gateway asks where a request goes. apps/ passes the router in; clusters of
// plain services have a picker of the gateway's own (upstream/cluster_picker.h).
//
// Home:    pick() on any network loop; a PickedEndpoint stays on the loop that picked it.
// Errors:  unavailable when no endpoint is left to try.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http/headers.h"

namespace nacelle::gateway {

struct PickRequest {
  std::string_view model;  // "" when the body names none
  std::string_view cache_salt;
  std::string_view prompt;  // the prompt or the messages as they are in the body
  // What the client sent, before anything was dropped: objective, fairness id, session, SLO.
  const net::http::Headers* headers = nullptr;
  std::string_view path;
  std::string_view body;     // as the client sent it; "" when it passes through unread
  std::string_view session;  // session_of() of the endpoint that served this session; "" = none
  std::uint64_t hash = 0;    // of what a ring is keyed by
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
  // Its answer's status.
  virtual void on_status(int status) { (void)status; }
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

// What a client keeps to come back to an endpoint: says nothing of its address.
[[nodiscard]] std::string session_of(std::string_view address);

}  // namespace nacelle::gateway
