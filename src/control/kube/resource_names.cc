#include "control/kube/resource_names.h"

#include <cctype>

namespace nacelle::control {

std::string plural_of(std::string_view kind) {
  std::string out;
  for (const char c : kind) {
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (out == "endpoints" || out.empty()) return out;
  constexpr std::string_view kVowels = "aeiou";
  const bool hissing = out.ends_with('s') || out.ends_with('x') || out.ends_with("ch");
  if (hissing) return out + "es";
  if (out.size() > 1 && out.back() == 'y' && kVowels.find(out[out.size() - 2]) == kVowels.npos) {
    out.pop_back();
    return out + "ies";
  }
  return out + "s";
}

kube::Resource resource_of(std::string_view api_version, std::string_view kind) {
  const std::size_t slash = api_version.find('/');
  std::string group(slash == api_version.npos ? "" : api_version.substr(0, slash));
  std::string version(slash == api_version.npos ? api_version : api_version.substr(slash + 1));
  return {std::move(group), std::move(version), plural_of(kind)};
}

kube::ObjectRef ref_of(const Target& target, std::string subresource) {
  return {resource_of(target.api_version, target.kind), target.name_space, target.name,
          std::move(subresource)};
}

}  // namespace nacelle::control
