#include "kube/server/watch_events.h"

#include <fmt/format.h>

#include "kube/server/write_rules.h"

namespace nacelle::kube::server {
namespace {

std::string compact(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The state before a change under the number of the change: what left a selector.
StoredObject left(const StoredObject& before, std::uint64_t revision) {
  StoredObject out{.json = before.json, .bytes = {}, .revision = revision};
  out.json["metadata"]["resourceVersion"] = std::to_string(revision);
  out.bytes = compact(out.json);
  return out;
}

}  // namespace

bool WatchEvents::matches(const ObjectPtr& object) const {
  if (object == nullptr) return false;
  const ObjectKey key = key_of(object->json);
  const std::string& name_space = call_.resource.name_space;
  if (!name_space.empty() && key.name_space != name_space) return false;
  if (!labels_.matches(object->json)) return false;
  if (fields_.empty()) return true;
  return call_.kind->from_storage ? fields_.matches(call_.kind->from_storage(object->json))
                                  : fields_.matches(object->json);
}

void WatchEvents::append_event(std::string_view type, const StoredObject& object,
                               std::int64_t now_s, std::string& out) {
  out += R"({"type":")";
  out += type;
  out += R"(","object":)";
  switch (wanted_.form) {
    case Form::kObject:
      if (call_.kind->api_version() == call_.kind->storage_version) {
        out += object.bytes;
      } else {
        out += encode_object(*call_.kind, object);
      }
      break;
    case Form::kTable: {
      Json table = table_of(call_, wanted_, {&object.json}, !columns_sent_, now_s);
      table["metadata"]["resourceVersion"] = std::to_string(object.revision);
      columns_sent_ = true;
      out += compact(table);
      break;
    }
    case Form::kMetadata:
      out += compact(partial_metadata(object.json, wanted_.meta_version));
      break;
  }
  out += "}\n";
}

void WatchEvents::append(const Change& change, std::int64_t now_s, std::string& out) {
  const bool before = matches(change.before);
  const bool after = !change.deleted && matches(change.after);
  if (!before && !after) return;
  if (after) {
    append_event(before ? "MODIFIED" : "ADDED", *change.after, now_s, out);
  } else if (change.deleted) {
    append_event("DELETED", *change.after, now_s, out);
  } else {
    append_event("DELETED", left(*change.before, change.revision), now_s, out);
  }
}

void WatchEvents::append_added(const ObjectPtr& object, std::int64_t now_s, std::string& out) {
  if (matches(object)) append_event("ADDED", *object, now_s, out);
}

void WatchEvents::append_bookmark(std::uint64_t revision, bool initial_end, std::string& out) {
  std::string kind = call_.kind->kind;
  std::string version = call_.kind->api_version();
  if (wanted_.form == Form::kTable) kind = "Table";
  if (wanted_.form == Form::kMetadata) kind = "PartialObjectMetadata";
  if (wanted_.form != Form::kObject) version = "meta.k8s.io/" + wanted_.meta_version;
  Json metadata = {{"resourceVersion", std::to_string(revision)}};
  if (initial_end) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  Json object = {{"kind", kind}, {"apiVersion", version}, {"metadata", std::move(metadata)}};
  if (wanted_.form == Form::kTable) {
    // The mark travels on a row's object, since a table's metadata is a list's.
    object["metadata"].erase("annotations");
    object["columnDefinitions"] = nullptr;
    object["rows"] = Json::array();
    if (initial_end) {
      Json marked = {{"kind", "PartialObjectMetadata"},
                     {"apiVersion", version},
                     {"metadata",
                      {{"resourceVersion", std::to_string(revision)},
                       {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}};
      object["rows"].push_back({{"cells", Json::array()}, {"object", std::move(marked)}});
    }
  }
  out += R"({"type":"BOOKMARK","object":)" + compact(object) + "}\n";
}

void WatchEvents::append_error(const Json& status, std::string& out) {
  out += R"({"type":"ERROR","object":)" + compact(status) + "}\n";
}

}  // namespace nacelle::kube::server
