// request_plugins.h: plugins that act on requests before scheduling: parsers and header processors.
// They hold settings; who reads bodies and headers acts on them.
//
// Home:    immutable.
// Source:  router.md sections 9.5 and 19.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class Parser final : public Plugin {
 public:
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) { return std::make_shared<Parser>(); }
};

class AgentIdentity final : public Plugin {
 public:
  explicit AgentIdentity(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext&) {
    std::vector<std::string> headers;
    fields.strings("additionalSessionHeaders", headers);
    return std::make_shared<AgentIdentity>(std::move(headers));
  }
  [[nodiscard]] const std::vector<std::string>& additional_session_headers() const {
    return headers_;
  }

 private:
  std::vector<std::string> headers_;
};

}  // namespace nacelle::router
