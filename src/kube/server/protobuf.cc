#include "kube/server/protobuf.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "kube/schema/messages.h"
#include "kube/schema/shape.h"
#include "kube/time.h"

namespace nacelle::kube::server {
namespace {

using schema::Field;
using schema::Message;

constexpr std::string_view kMagic("k8s\0", 4);

// Fields that are pointers in Go: present only when set, so that their zero means something.
const std::set<std::string_view>& kept_zeros() {
  static const std::set<std::string_view> kNames = {"replicas",
                                                    "minReplicas",
                                                    "parallelism",
                                                    "completions",
                                                    "backoffLimit",
                                                    "ttlSecondsAfterFinished",
                                                    "activeDeadlineSeconds",
                                                    "revisionHistoryLimit",
                                                    "progressDeadlineSeconds",
                                                    "terminationGracePeriodSeconds",
                                                    "gracePeriodSeconds",
                                                    "tolerationSeconds",
                                                    "stabilizationWindowSeconds",
                                                    "averageUtilization",
                                                    "partition",
                                                    "runAsUser",
                                                    "runAsGroup",
                                                    "fsGroup",
                                                    "defaultMode",
                                                    "mode",
                                                    "priority",
                                                    "leaseDurationSeconds",
                                                    "leaseTransitions",
                                                    "automountServiceAccountToken",
                                                    "enableServiceLinks",
                                                    "optional",
                                                    "controller",
                                                    "blockOwnerDeletion",
                                                    "immutable",
                                                    "ready",
                                                    "serving",
                                                    "terminating",
                                                    "suspend",
                                                    "readOnlyRootFilesystem",
                                                    "runAsNonRoot",
                                                    "allowPrivilegeEscalation",
                                                    "orphanDependents"};
  return kNames;
}

struct Value {
  int number = 0;
  int wire = 0;
  std::uint64_t varint = 0;
  std::string_view bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool done() const { return rest_.empty(); }

  // nullopt for broken bytes.
  std::optional<Value> next() {
    const auto tag = varint();
    if (!tag.has_value() || *tag >> 3 == 0 || *tag >> 3 > 536870911) return std::nullopt;
    Value out{.number = static_cast<int>(*tag >> 3), .wire = static_cast<int>(*tag & 7)};
    switch (out.wire) {
      case 0: {
        const auto value = varint();
        if (!value.has_value()) return std::nullopt;
        out.varint = *value;
        return out;
      }
      case 1:
      case 5: {
        const std::size_t size = out.wire == 1 ? 8 : 4;
        if (rest_.size() < size) return std::nullopt;
        out.bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return out;
      }
      case 2: {
        const auto size = varint();
        if (!size.has_value() || *size > rest_.size()) return std::nullopt;
        out.bytes = rest_.substr(0, static_cast<std::size_t>(*size));
        rest_.remove_prefix(static_cast<std::size_t>(*size));
        return out;
      }
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t out = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return out;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

Status broken(std::string_view where) {
  return invalid_argument("protobuf body: {} is broken", where);
}

Result<Json> decode_message(std::string_view bytes, const Message& message, std::size_t depth);

Result<Json> decode_time(std::string_view bytes, bool micro) {
  Reader reader(bytes);
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  if (reader.done()) return Json();
  while (!reader.done()) {
    const auto value = reader.next();
    if (!value.has_value()) return broken("a time");
    if (value->number == 1) seconds = static_cast<std::int64_t>(value->varint);
    if (value->number == 2) nanos = static_cast<std::int64_t>(value->varint);
  }
  // The years that RFC 3339 can say.
  if (seconds < -62135596800 || seconds > 253402300799) return broken("a time");
  std::string text = timestamp(seconds);
  if (micro) {
    text.pop_back();
    text += fmt::format(".{:06}Z", std::clamp<std::int64_t>(nanos, 0, 999'999'999) / 1000);
  }
  return Json(std::move(text));
}

Result<Json> decode_int_or_string(std::string_view bytes) {
  Reader reader(bytes);
  bool is_text = false;
  std::int64_t number = 0;
  std::string text;
  while (!reader.done()) {
    const auto value = reader.next();
    if (!value.has_value()) return broken("an int-or-string");
    if (value->number == 1) is_text = value->varint == 1;
    if (value->number == 2) number = static_cast<std::int64_t>(value->varint);
    if (value->number == 3) text = value->bytes;
  }
  return is_text ? Json(text) : Json(number);
}

Result<Json> decode_quantity(std::string_view bytes) {
  Reader reader(bytes);
  std::string text;
  while (!reader.done()) {
    const auto value = reader.next();
    if (!value.has_value()) return broken("a quantity");
    if (value->number == 1) text = value->bytes;
  }
  return Json(text.empty() ? "0" : text);
}

Result<Json> decode_value(const Value& value, const std::string& type, std::size_t depth) {
  const bool scalar = type == "i" || type == "b";
  if (value.wire != (scalar ? 0 : 2)) return broken("a field of type '" + type + "'");
  if (type == "i") return Json(static_cast<std::int64_t>(value.varint));
  if (type == "b") return Json(value.varint != 0);
  if (type.empty()) {
    if (!is_valid_utf8(value.bytes)) return broken("a text");
    return Json(std::string(value.bytes));
  }
  if (type == "y") return Json(encode_base64(value.bytes));
  if (type == "Time") return decode_time(value.bytes, false);
  if (type == "MicroTime") return decode_time(value.bytes, true);
  if (type == "Quantity") return decode_quantity(value.bytes);
  if (type == "IntOrString") return decode_int_or_string(value.bytes);
  if (type == "FieldsV1") {
    Reader reader(value.bytes);
    const auto raw = reader.done() ? std::nullopt : reader.next();
    if (!raw.has_value()) return Json::object();
    Json fields = Json::parse(raw->bytes, nullptr, false);
    if (fields.is_discarded()) return broken("managedFields");
    return fields;
  }
  const Message* message = schema::message(type);
  if (message == nullptr) return broken("a field of type '" + type + "'");
  return decode_message(value.bytes, *message, depth + 1);
}

Status decode_map_entry(const Value& value, const Field& field, std::size_t depth, Json& out) {
  if (value.wire != 2) return broken(field.name);
  Reader reader(value.bytes);
  std::string key;
  Json entry = field.type.empty() || field.type == "y" ? Json("") : Json::object();
  while (!reader.done()) {
    const auto part = reader.next();
    if (!part.has_value() || part->wire != 2) return broken(field.name);
    if (part->number == 1) {
      if (!is_valid_utf8(part->bytes)) return broken(field.name);
      key = part->bytes;
    }
    if (part->number == 2) {
      ASSIGN_OR_RETURN(entry, decode_value(*part, field.type, depth));
    }
  }
  out[field.name][key] = std::move(entry);
  return {};
}

bool is_zero(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  if (value.is_number_integer()) return value == 0;
  if (value.is_boolean()) return value == false;
  return value.is_object() && value.empty();
}

// Messages whose empty form says something: `emptyDir: {}`.
bool keeps_empty(const Field& field) {
  static const std::set<std::string_view> kNames = {"emptyDir", "securityContext", "selector",
                                                    "labelSelector", "podSelector"};
  return kNames.contains(field.name);
}

Result<Json> decode_message(std::string_view bytes, const Message& message, std::size_t depth) {
  if (depth > schema::kMaxDepth) return broken("nesting");
  Json out = Json::object();
  Reader reader(bytes);
  while (!reader.done()) {
    const auto value = reader.next();
    if (!value.has_value()) return broken(message.name);
    const Field* field = message.by_number(value->number);
    if (field == nullptr) continue;
    if (field->map) {
      RETURN_IF_ERROR(decode_map_entry(*value, *field, depth, out));
      continue;
    }
    // Packed repeated integers are not written by Go's generator for these types.
    ASSIGN_OR_RETURN(Json decoded, decode_value(*value, field->type, depth));
    if (field->inlined) {
      out.update(decoded);
    } else if (field->list) {
      out[field->name].push_back(std::move(decoded));
    } else if (decoded.is_null()) {
      continue;
    } else if (!is_zero(decoded) || kept_zeros().contains(field->name) || keeps_empty(*field)) {
      out[field->name] = std::move(decoded);
    }
  }
  return out;
}

// The message of a kind; kinds whose name is used twice carry their group.
const Message* message_of(std::string_view api_version, std::string_view kind) {
  std::string name(kind);
  if (kind == "Event") name = api_version == "v1" ? "core.v1.Event" : "events.v1.Event";
  if (kind == "HorizontalPodAutoscaler") {
    name = api_version == "autoscaling/v1" ? "autoscaling.v1.HorizontalPodAutoscaler"
                                           : "autoscaling.v2.HorizontalPodAutoscaler";
  }
  const Message* found = schema::message(name);
  if (found == nullptr) return nullptr;
  // Without the numbers of its fields a kind would lose them silently.
  for (const Field& field : found->fields) {
    const bool carried =
        field.name == "apiVersion" || field.name == "kind" || field.name == "status";
    if (!carried && field.number == 0) return nullptr;
  }
  return found;
}

}  // namespace

Result<Json> decode_protobuf(std::string_view body) {
  if (!body.starts_with(kMagic)) return invalid_argument("the body does not begin with k8s\\0");
  body.remove_prefix(kMagic.size());
  std::string api_version;
  std::string kind;
  std::string_view raw;
  Reader reader(body);
  while (!reader.done()) {
    const auto value = reader.next();
    if (!value.has_value()) return broken("the envelope");
    if (value->number == 2) raw = value->bytes;
    if (value->number != 1) continue;
    Reader type(value->bytes);
    while (!type.done()) {
      const auto part = type.next();
      if (!part.has_value() || part->wire != 2 || !is_valid_utf8(part->bytes)) {
        return broken("the envelope");
      }
      if (part->number == 1) api_version = part->bytes;
      if (part->number == 2) kind = part->bytes;
    }
  }
  const Message* message = message_of(api_version, kind);
  if (message == nullptr) {
    return unimplemented("{} {} is not taken in protobuf here", api_version, kind);
  }
  ASSIGN_OR_RETURN(Json object, decode_message(raw, *message, 0));
  object["apiVersion"] = std::move(api_version);
  object["kind"] = std::move(kind);
  return object;
}

}  // namespace nacelle::kube::server
