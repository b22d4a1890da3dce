// patch.h: the patch types of the Kubernetes API, without I/O.
//
//   application/json-patch+json             json_patch()
//   application/merge-patch+json            merge_patch()
//   application/strategic-merge-patch+json  strategic_merge_patch()
//   application/apply-patch+yaml            server_side_apply(), in kube/server_side_apply.h
//
// All return the patched object; checking what came out (immutable fields, schema) is the caller's.
//
// Home:    pure; any thread.
// Errors:  by code, as the API server answers them:
//            invalid_argument     400  the body is no patch of its type
//            failed_precondition  422  a path is missing, a test failed, a shape is wrong
//            internal             500  strategic merge: merge keys, directives, orders
//            out_of_range         413  a bound below
// Bounds:  nesting of kMaxMergeDepth in object, patch and result; kMaxPatchOperations;
//          kMaxPatchCopyBytes that `copy` operations may add.
// Source:  RFC 6902, RFC 7386, kubernetes-api.md section 12.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "kube/merge_schema.h"
#include "kube/object.h"
#include "kube/server_side_apply.h"

namespace nacelle::kube {

inline constexpr std::size_t kMaxPatchOperations = 10'000;
inline constexpr std::size_t kMaxPatchCopyBytes = 3 * 1024 * 1024;

// RFC 6902: a list of add, remove, replace, move, copy and test. All or nothing.
[[nodiscard]] Result<Json> json_patch(Json object, const Json& operations);

// RFC 7386: null deletes, lists are replaced.
[[nodiscard]] Result<Json> merge_patch(Json object, const Json& patch);

// Lists of the schema merge by key; understands $patch, $retainKeys, $setElementOrder/ and
// $deleteFromPrimitiveList/.
[[nodiscard]] Result<Json> strategic_merge_patch(Json object, const Json& patch,
                                                 const MergeSchema& schema);

// How deep maps and lists nest; a scalar is 0. Counts no further than `most` + 1.
[[nodiscard]] std::size_t nesting_of(const Json& value, std::size_t most = kMaxMergeDepth);

}  // namespace nacelle::kube
