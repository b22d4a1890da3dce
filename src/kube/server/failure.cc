#include "kube/server/failure.h"

#include <fmt/format.h>

namespace nacelle::kube::server {
namespace {

Json details_of(const schema::Kind& kind, std::string_view name) {
  Json details = Json::object();
  if (!name.empty()) details["name"] = name;
  if (!kind.group.empty()) details["group"] = kind.group;
  details["kind"] = kind.plural;
  return details;
}

}  // namespace

Failure make_failure(int code, std::string_view reason, std::string_view message, Json details) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", message}, {"code", code}};
  if (!reason.empty()) status["reason"] = reason;
  if (!details.is_null()) status["details"] = std::move(details);
  return {.code = code, .status = std::move(status)};
}

Failure bad_request(std::string_view message) { return make_failure(400, "BadRequest", message); }

Failure unauthorized() { return make_failure(401, "Unauthorized", "Unauthorized"); }

Failure forbidden(const schema::Kind& kind, std::string_view name, std::string_view text,
                  Json causes) {
  Json details = details_of(kind, name);
  if (!causes.is_null()) details["causes"] = std::move(causes);
  return make_failure(403, "Forbidden",
                      fmt::format("{} \"{}\" is forbidden: {}", kind.qualified(), name, text),
                      std::move(details));
}

Failure not_found(const schema::Kind& kind, std::string_view name) {
  return make_failure(404, "NotFound", fmt::format("{} \"{}\" not found", kind.qualified(), name),
                      details_of(kind, name));
}

Failure no_such_resource() {
  return make_failure(404, "NotFound", "the server could not find the requested resource",
                      Json::object());
}

Failure method_not_allowed() {
  return make_failure(405, "MethodNotAllowed",
                      "the server does not allow this method on the requested resource",
                      Json::object());
}

Failure not_acceptable(std::string_view types) {
  return make_failure(406, "NotAcceptable",
                      fmt::format("only the following media types are accepted: {}", types));
}

Failure already_exists(const schema::Kind& kind, std::string_view name, bool being_deleted) {
  return make_failure(
      409, "AlreadyExists",
      fmt::format("{}{} \"{}\" already exists", being_deleted ? "object is being deleted: " : "",
                  kind.qualified(), name),
      details_of(kind, name));
}

Failure conflict(const schema::Kind& kind, std::string_view name, std::string_view text) {
  return make_failure(
      409, "Conflict",
      fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", kind.qualified(), name, text),
      details_of(kind, name));
}

Failure modified(const schema::Kind& kind, std::string_view name) {
  return conflict(kind, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

Failure expired(std::string_view message) { return make_failure(410, "Expired", message); }

Failure too_large(std::size_t limit) {
  return make_failure(413, "RequestEntityTooLarge",
                      fmt::format("Request entity too large: limit is {}", limit));
}

Failure unsupported_media_type(std::string_view message) {
  return make_failure(415, "UnsupportedMediaType", message);
}

Failure invalid(std::string_view group, std::string_view kind, std::string_view name,
                const schema::Findings& findings) {
  Json causes = Json::array();
  std::string text;
  for (const schema::Finding& one : findings) {
    causes.push_back({{"reason", one.reason}, {"message", one.message}, {"field", one.field}});
    if (!text.empty()) text += ", ";
    text += one.field + ": " + one.message;
  }
  if (findings.size() > 1) text = "[" + text + "]";
  Json details = {{"name", name}, {"kind", kind}, {"causes", std::move(causes)}};
  if (!group.empty()) details["group"] = group;
  const std::string full = group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
  return make_failure(422, "Invalid", fmt::format("{} \"{}\" is invalid: {}", full, name, text),
                      std::move(details));
}

Failure too_large_version(std::uint64_t asked, std::uint64_t current) {
  Failure out = make_failure(
      504, "Timeout",
      fmt::format("Timeout: Too large resource version: {}, current: {}", asked, current),
      {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"},
                                {"message", "Too large resource version"}}})},
       {"retryAfterSeconds", 1}});
  out.retry_after_s = 1;
  return out;
}

Failure not_implemented(std::string_view message) {
  return make_failure(501, "NotImplemented", message);
}

Failure internal_error(std::string_view message) {
  return make_failure(500, "InternalError", fmt::format("Internal error occurred: {}", message));
}

Failure store_failure(const Status& status, bool disk_full) {
  if (disk_full) {
    return make_failure(507, "InsufficientStorage",
                        fmt::format("the store has no space left: {}", status.message()));
  }
  const bool busy = status.code() == Code::kResourceExhausted;
  Failure out =
      busy ? make_failure(429, "TooManyRequests", status.message(), {{"retryAfterSeconds", 1}})
           : make_failure(503, "ServiceUnavailable", status.message());
  out.retry_after_s = 1;
  return out;
}

}  // namespace nacelle::kube::server
