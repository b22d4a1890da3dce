// session_affinity.h: only the endpoint a session is bound to, while it is a candidate.
//
// Home:    filter() pure; the binding under the router's lock.
// Source:  router.md section 9.1.
#pragma once

#include "router/scorer/session_affinity/session_binding.h"

namespace nacelle::router {

class SessionAffinityFilter final : public SessionBinding, public Filter {
 public:
  using SessionBinding::SessionBinding;
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;
};

}  // namespace nacelle::router
