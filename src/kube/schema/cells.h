// cells.h: what `kubectl get` shows of built-in kinds.
//
// Home:    pure.
// Source:  kubernetes-api.md section 17.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kube/schema/kind.h"

namespace nacelle::kube::schema {

// Name and Age for kinds without a row of their own.
[[nodiscard]] std::vector<Column> columns_of(std::string_view kind);
[[nodiscard]] Kind::Cells cells_of(std::string_view kind);

// "95s", "5m30s", "4h5m", "3d4h".
[[nodiscard]] std::string short_duration(std::int64_t seconds);
// The age of an RFC 3339 time; "<unknown>" without one, "<invalid>" for what is none.
[[nodiscard]] std::string age_of(std::string_view time, std::int64_t now_s);

[[nodiscard]] Json pod_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json service_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json node_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json deployment_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json replica_set_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json stateful_set_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json daemon_set_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json job_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json cron_job_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json autoscaler_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json budget_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json claim_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json volume_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json event_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json endpoints_cells(const Json& object, std::int64_t now_s);
[[nodiscard]] Json endpoint_slice_cells(const Json& object, std::int64_t now_s);

// Pieces that several kinds share.
[[nodiscard]] std::string or_none(std::string text);  // "<none>" for ""
[[nodiscard]] std::string joined(const std::vector<std::string>& parts,
                                 std::string_view with = ",");
[[nodiscard]] std::string selector_text(const Json& selector);  // of a LabelSelector or a map
[[nodiscard]] std::string container_names(const Json& pod_spec);
[[nodiscard]] std::string container_images(const Json& pod_spec);
[[nodiscard]] Json object_age(const Json& object, std::int64_t now_s);

}  // namespace nacelle::kube::schema
