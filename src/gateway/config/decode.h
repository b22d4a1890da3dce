// decode.h: JSON objects to typed ones. Knows kinds and fields, nothing of files or references.
//
// The same functions serve documents of files and objects of an API.
//
// Errors:  problems with document, path and nearest name; decoding goes on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "gateway/config/object_reader.h"
#include "gateway/config/objects.h"
#include "gateway/config/part.h"
#include "gateway/config/problems.h"

namespace nacelle::gateway {

// Adds the object to `objects`. `source` names where it came from; objects of the part's kinds
// (`part` may be null) are noted only.
void decode_object(std::string_view source, const nlohmann::json& object, const ConfigPart* part,
                   Objects& objects, Problems& problems);

// One kind each; `spec` is a reader of the object's spec.
void decode_gateway(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_route(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_grant(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_backend_tls(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_secret(ObjectReader& root, ObjectMeta meta, ObjectList<SecretObject>& out);
void decode_service(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_slice(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_external_backend(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_pool(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_endpoints(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_policy(ObjectReader& root, ObjectMeta meta, Objects& objects);
void decode_settings(ObjectReader& root, ObjectMeta meta, Objects& objects);

// A reference with defaults for what is not written.
[[nodiscard]] ObjectRef decode_ref(ObjectReader& reader, std::string_view group,
                                   std::string_view kind, std::string_view name_space);
void decode_retry(ObjectReader& reader, RetryConfig& retry);

}  // namespace nacelle::gateway
