// good_pickers.h: one pool's picker that cannot be made must not keep the whole model out.
//
//   GoodPickers pickers;                       // one for all models of an API
//   std::string wrong = pickers.mend(model);   // "" when all load
//
// Home:    one thread.
// Errors:  none: what is wrong is returned, a line each.
#pragma once

#include <map>
#include <string>

#include "gateway/config/model.h"

namespace nacelle::apps {

class GoodPickers {
 public:
  // In place of a picker that does not load comes the pool's last one that did, at first the
  // default policy. A picker that did not change is not loaded again.
  [[nodiscard]] std::string mend(gateway::GatewayModel& model);

 private:
  struct Seen {
    gateway::PickerConfig asked, good;
    std::string problem;  // "": both are the same
  };
  std::map<std::string, Seen> seen_;  // by cluster
};

}  // namespace nacelle::apps
