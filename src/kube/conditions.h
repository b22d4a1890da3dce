// conditions.h: the conditions of a status: set with a transition time that moves only when the
// status differs from the stored one, however often it is set, removed when they do not apply.
//
// Home:    pure.
// Source:  kubernetes-api.md section 8; gateway.md section 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::kube {

struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason, message;
  std::optional<std::int64_t> observed_generation = {};
};

class Conditions {
 public:
  // `list` are those of the stored object, `now` is RFC 3339.
  Conditions(Json list, std::string now) : list_(std::move(list)), now_(std::move(now)) {
    if (!list_.is_array()) list_ = Json::array();
    stored_ = list_;
  }

  void set(const Condition& condition);
  void remove(std::string_view type);
  [[nodiscard]] std::string status(std::string_view type) const;  // "" when absent
  [[nodiscard]] const Json* find(std::string_view type) const;
  [[nodiscard]] const Json& list() const { return list_; }

 private:
  // The stored transition time, when it had that status; else now.
  [[nodiscard]] Json transition(const Condition& condition) const;

  Json list_;
  Json stored_;
  std::string now_;
};

}  // namespace nacelle::kube
