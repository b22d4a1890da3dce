#include "control/core/workload/labels.h"

#include <algorithm>

namespace nacelle::control::workload {
namespace {

using kube::Json;
using kube::text_at;

constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";

bool holds(const Json& expression, const Json& labels) {
  const std::string key(text_at(expression, {"key"}));
  const std::string_view op = text_at(expression, {"operator"});
  const Json& values = kube::list_at(expression, {"values"});
  const auto at = labels.find(key);
  const bool there = at != labels.end();
  if (op == "Exists") return there;
  if (op == "DoesNotExist") return !there;
  const bool in = there && std::find(values.begin(), values.end(), *at) != values.end();
  if (op == "In") return in;
  return op == "NotIn" && !in;
}

}  // namespace

bool selects_all(const Json& labels, const Json& object) {
  const Json& own = kube::map_at(object, {"metadata", "labels"});
  for (const auto& [key, value] : labels.items()) {
    const auto at = own.find(key);
    if (at == own.end() || *at != value) return false;
  }
  return true;
}

bool selects(const Json& selector, const Json& object) {
  const Json& labels = kube::map_at(selector, {"matchLabels"});
  const Json& expressions = kube::list_at(selector, {"matchExpressions"});
  if (labels.empty() && expressions.empty()) return false;
  const Json& own = kube::map_at(object, {"metadata", "labels"});
  return selects_all(labels, object) &&
         std::all_of(expressions.begin(), expressions.end(),
                     [&](const Json& expression) { return holds(expression, own); });
}

std::uint64_t fnv(std::string_view text, std::uint64_t start) {
  for (const char c : text) start = (start ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return start;
}

std::string hash_text(std::uint64_t hash) {
  std::string out;
  for (std::uint32_t rest = static_cast<std::uint32_t>(hash ^ (hash >> 32)); out.size() < 7;
       rest /= 27) {
    out += kAlphabet[rest % 27];
  }
  return out;
}

std::string name_suffix(std::string_view owner_uid, std::uint64_t number) {
  std::uint64_t hash = fnv(std::to_string(number), fnv(owner_uid));
  hash ^= hash >> 29;
  std::string out;
  for (int i = 0; i < 5; ++i, hash /= 27) out += kAlphabet[hash % 27];
  return out;
}

Json controller_reference(const Json& owner) {
  return {{"apiVersion", text_at(owner, {"apiVersion"})},
          {"kind", text_at(owner, {"kind"})},
          {"name", text_at(owner, {"metadata", "name"})},
          {"uid", text_at(owner, {"metadata", "uid"})},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

}  // namespace nacelle::control::workload
