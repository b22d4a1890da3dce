// conditions.h: the conditions of a status: set with a transition time that moves only when the
// status does, removed when they do not apply.
//
// Home:    pure.
#pragma once

#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::control {

struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason, message;
};

class Conditions {
 public:
  // `list` are those of the stored object.
  Conditions(kube::Json list, std::string now) : list_(std::move(list)), now_(std::move(now)) {
    if (!list_.is_array()) list_ = kube::Json::array();
  }

  void set(const Condition& condition);
  void remove(std::string_view type);
  [[nodiscard]] std::string status(std::string_view type) const;  // "" when absent
  [[nodiscard]] const kube::Json* find(std::string_view type) const;
  [[nodiscard]] const kube::Json& list() const { return list_; }

 private:
  kube::Json list_;
  std::string now_;
};

}  // namespace nacelle::control
