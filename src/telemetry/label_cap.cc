#include "telemetry/label_cap.h"

namespace nacelle::telemetry {

std::string_view LabelCap::operator()(std::string_view value) {
  value = value.substr(0, kMaxBytes);
  std::lock_guard lock(mutex_);
  if (const auto found = seen_.find(value); found != seen_.end()) return *found;
  if (seen_.size() >= cap_) return "other";
  return *seen_.emplace(value).first;
}

}  // namespace nacelle::telemetry
