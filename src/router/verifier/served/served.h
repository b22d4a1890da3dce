// served.h: asks the Endpoint Picker to tell the client which endpoint the proxy says served it.
//
// It only says that this is wanted (RouterSetup::echo_served_endpoint); epp/picker_answer.cc does
// it.
//
// Home:    immutable.
// Source:  router.md sections 2.3 and 9.5.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class ServedVerifier final : public Plugin {
 public:
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) {
    return std::make_shared<ServedVerifier>();
  }
};

}  // namespace nacelle::router
