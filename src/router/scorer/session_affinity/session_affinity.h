// session_affinity.h: 1 for the endpoint a session is bound to, else 0.
//
// Home:    score() pure; the binding under the router's lock.
// Source:  router.md section 9.2.
#pragma once

#include "router/scorer/session_affinity/session_binding.h"

namespace nacelle::router {

class SessionAffinityScorer final : public SessionBinding, public Scorer {
 public:
  using SessionBinding::SessionBinding;
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
