// index.h: objects by something that stands in them: a label, an owner, a field.
//
// Home:    pure; the loop of the informer that feeds it.
// Bounds:  one entry per object and value.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::kube {

class Index {
 public:
  // The values under which an object is found; none when it is not.
  using Values = std::function<std::vector<std::string>(const Json& object)>;

  explicit Index(Values values) : values_(std::move(values)) {}

  // `before` and `now` are null for an object that appeared or went.
  void update(const ObjectKey& key, const Json* before, const Json* now);
  [[nodiscard]] const std::set<ObjectKey>& keys(const std::string& value) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }  // different values

 private:
  Values values_;
  std::map<std::string, std::set<ObjectKey>> keys_;
};

[[nodiscard]] Index::Values by_label(std::string label);
[[nodiscard]] Index::Values by_namespace();
// By the uid of every owner, or only of the one that controls the object.
[[nodiscard]] Index::Values by_owner();
[[nodiscard]] Index::Values by_controller();
// By a text or number at that path, like {"spec", "nodeName"}.
[[nodiscard]] Index::Values by_field(std::vector<std::string> path);

}  // namespace nacelle::kube
