// session_binding.h: which endpoint a request's session is bound to.
//
//   encoded_endpoint_header  the client sends back a token that names the endpoint
//   session_id               this router remembers the endpoint of each session
//
// What the scorer and the filter read is one column with one number: the bound position, or none.
//
// Home:    produce() and committed() under the router's lock; bound() and finish() pure.
// Bounds:  100,000 sessions; beyond it, and after the TTL, the least recently used is forgotten.
// Source:  router.md section 9.2.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class SessionId;

struct SessionBindingOptions {
  enum class Strategy { kEncodedEndpointHeader, kSessionId };
  struct Source {
    std::string header;  // lower case; "" when a producer says it
    const SessionId* producer = nullptr;
  };
  Strategy strategy = Strategy::kEncodedEndpointHeader;
  std::string token_header = "x-session-token";
  std::vector<Source> sources;
  Duration ttl = std::chrono::seconds(300);
  std::optional<std::uint32_t> profile;  // whose target is bound; else the primary one
};

[[nodiscard]] SessionBindingOptions read_session_binding(Fields& fields, BuildContext& context);

class SessionBinding : public Plugin, public Producer, public Finisher {
 public:
  SessionBinding(SessionBindingOptions options, ColumnId column)
      : options_(std::move(options)), column_(column) {}

  [[nodiscard]] std::optional<std::uint32_t> bound(const PickContext& context) const;

  void produce(DecisionInput& input) override;
  void committed(const DecisionInput& input, const Decision& decision) override;
  void moved(const Move& move, std::vector<HeaderValue>& response_headers) override;
  void finish(const PickContext& context, Decision& decision) const override;
  void forget(EndpointId endpoint) override;

 private:
  static constexpr std::size_t kMaxSessions = 100'000;
  struct Session {
    std::string id;
    EndpointId endpoint;
    TimePoint used;
  };

  [[nodiscard]] std::string_view session_of(const RoutingRequest& request) const;
  [[nodiscard]] const Target* target_of(const Decision& decision) const;
  void bind(std::string_view id, EndpointId endpoint, TimePoint now);
  void expire(TimePoint now);

  SessionBindingOptions options_;
  ColumnId column_;
  std::list<Session> sessions_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Session>::iterator> by_id_;  // views into the list
};

// base64 of `namespace/name`, and back; "" for what is no such token.
[[nodiscard]] std::string encode_session_token(const EndpointSnapshot& endpoint);
[[nodiscard]] std::string decode_session_token(std::string_view token);

}  // namespace nacelle::router
