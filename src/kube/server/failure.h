// failure.h: how the API says no: Status objects in the words of a Kubernetes API server.
//
// Home:    pure.
// Source:  kubernetes-api.md section 16.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/status.h"
#include "kube/object.h"
#include "kube/schema/kind.h"
#include "kube/schema/shape.h"

namespace nacelle::kube::server {

struct Failure {
  int code = 500;
  Json status;
  int retry_after_s = 0;  // 0: no such header
};

// A value or the reason why there is none.
template <class T>
class [[nodiscard]] Try {
 public:
  Try(T value) : held_(std::in_place_index<0>, std::move(value)) {}            // NOLINT: implicit
  Try(Failure failure) : held_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT: implicit
  [[nodiscard]] bool ok() const { return held_.index() == 0; }
  [[nodiscard]] T& operator*() { return std::get<0>(held_); }
  [[nodiscard]] const T& operator*() const { return std::get<0>(held_); }
  [[nodiscard]] T* operator->() { return &std::get<0>(held_); }
  [[nodiscard]] Failure& failure() { return std::get<1>(held_); }

 private:
  std::variant<T, Failure> held_;
};

[[nodiscard]] Failure make_failure(int code, std::string_view reason, std::string_view message,
                                   Json details = nullptr);

[[nodiscard]] Failure bad_request(std::string_view message);
[[nodiscard]] Failure unauthorized();
[[nodiscard]] Failure forbidden(const schema::Kind& kind, std::string_view name,
                                std::string_view text, Json causes = nullptr);
[[nodiscard]] Failure not_found(const schema::Kind& kind, std::string_view name);
[[nodiscard]] Failure no_such_resource();
[[nodiscard]] Failure method_not_allowed();
[[nodiscard]] Failure not_acceptable(std::string_view types);
[[nodiscard]] Failure already_exists(const schema::Kind& kind, std::string_view name,
                                     bool being_deleted);
[[nodiscard]] Failure conflict(const schema::Kind& kind, std::string_view name,
                               std::string_view text);
[[nodiscard]] Failure modified(const schema::Kind& kind, std::string_view name);
[[nodiscard]] Failure expired(std::string_view message);
[[nodiscard]] Failure too_large(std::size_t limit);
[[nodiscard]] Failure unsupported_media_type(std::string_view message);
// `kind` is the Kind, also of options ("CreateOptions" of "meta.k8s.io").
[[nodiscard]] Failure invalid(std::string_view group, std::string_view kind, std::string_view name,
                              const schema::Findings& findings);
[[nodiscard]] Failure too_large_version(std::uint64_t asked, std::uint64_t current);
[[nodiscard]] Failure not_implemented(std::string_view message);
[[nodiscard]] Failure internal_error(std::string_view message);
// Of the store: disk full 507, too many writes 429, shutting down or a failing disk 503.
[[nodiscard]] Failure store_failure(const Status& status, bool disk_full);

}  // namespace nacelle::kube::server
