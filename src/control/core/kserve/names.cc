#include "control/core/kserve/names.h"

#include <algorithm>

#include "control/core/md5.h"

namespace nacelle::control::kserve {
namespace {

constexpr std::size_t kMost = 63;
constexpr std::size_t kDigest = 32;
constexpr std::size_t kPrefix = kMost - kDigest;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string child_name(std::string_view parent, std::string_view suffix) {
  if (parent.size() + suffix.size() <= kMost) return std::string(parent) + std::string(suffix);
  if (suffix.size() < kPrefix) {
    return std::string(parent.substr(0, kPrefix - suffix.size())) + md5_hex(parent) +
           std::string(suffix);
  }
  std::string name(parent.substr(0, kPrefix));
  name += md5_hex(std::string(parent) + std::string(suffix));
  name += suffix.substr(0, kMost - name.size());
  while (!name.empty() && !is_alphanumeric(name.back())) name.pop_back();
  return name;
}

Json common_labels(std::string_view service, std::string_view component) {
  return {{"app.kubernetes.io/name", service},
          {"app.kubernetes.io/part-of", "llminferenceservice"},
          {"app.kubernetes.io/component", component}};
}

Json workload_selector(std::string_view service) {
  return {{"app.kubernetes.io/name", service},
          {"app.kubernetes.io/part-of", "llminferenceservice"},
          {"kserve.io/component", "workload"}};
}

std::string publisher_name(std::string_view name_space, std::string_view model) {
  return "publishers/" + std::string(name_space) + "/models/" + std::string(model);
}

bool is_dns_label(std::string_view name) {
  return !name.empty() && name.size() <= kMost && is_alphanumeric(name.front()) &&
         is_alphanumeric(name.back()) && std::all_of(name.begin(), name.end(), [](char c) {
           return is_alphanumeric(c) || c == '-';
         });
}

}  // namespace nacelle::control::kserve
