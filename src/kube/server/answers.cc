#include "kube/server/answers.h"

#include <fmt/format.h>

#include "kube/schema/crd.h"
#include "kube/server/write_rules.h"

namespace nacelle::kube::server {
namespace {

std::string compact(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Reply reply_of(const Json& body, const Wanted& wanted, int status, bool pretty) {
  if (!wanted.yaml) return json_reply(body, status, pretty);
  return {.status = status,
          .content_type = "application/yaml",
          .body = to_yaml(body),
          .headers = {},
          .warnings = {}};
}

Json list_meta(const ListMeta& meta) {
  Json out = {{"resourceVersion", std::to_string(meta.revision)}};
  if (!meta.continue_token.empty()) out["continue"] = meta.continue_token;
  if (meta.remaining > 0) out["remainingItemCount"] = meta.remaining;
  return out;
}

void yaml_text(const Json& value, std::string& out) { out += compact(value); }

void yaml_value(const Json& value, std::size_t indent, std::string& out) {
  const std::string space(indent, ' ');
  if (value.is_object() && !value.empty()) {
    for (const auto& [name, field] : value.items()) {
      out += space;
      yaml_text(Json(name), out);
      out += ':';
      if (field.is_structured() && !field.empty()) {
        out += '\n';
        yaml_value(field, indent + 2, out);
      } else {
        out += ' ';
        yaml_text(field, out);
        out += '\n';
      }
    }
    return;
  }
  if (value.is_array() && !value.empty()) {
    for (const Json& item : value) {
      if (item.is_structured() && !item.empty()) {
        out += space + "-\n";
        yaml_value(item, indent + 2, out);
      } else {
        out += space + "- ";
        yaml_text(item, out);
        out += '\n';
      }
    }
    return;
  }
  out += space;
  yaml_text(value, out);
  out += '\n';
}

}  // namespace

// Texts are quoted as JSON quotes them, which is YAML too.
std::string to_yaml(const Json& value) {
  std::string out;
  yaml_value(value, 0, out);
  return out;
}

Reply json_reply(const Json& body, int status, bool pretty) {
  std::string text = body.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
  text += '\n';
  return {.status = status,
          .content_type = "application/json",
          .body = std::move(text),
          .headers = {},
          .warnings = {}};
}

Reply failure_reply(const Failure& failure, bool pretty) {
  Reply out = json_reply(failure.status, failure.code, pretty || failure.code == 406);
  if (failure.retry_after_s > 0) {
    out.headers.emplace_back("retry-after", std::to_string(failure.retry_after_s));
  }
  if (failure.code == 401 || failure.code == 403) {
    out.headers.emplace_back("x-content-type-options", "nosniff");
  }
  return out;
}

std::string encode_object(const schema::Kind& kind, const StoredObject& object) {
  if (kind.api_version() == kind.storage_version) return object.bytes;
  return compact(from_storage(object.json, kind));
}

Json partial_metadata(const Json& object, std::string_view meta_version) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", fmt::format("meta.k8s.io/{}", meta_version)},
          {"metadata", map_at(object, {"metadata"})}};
}

Json table_of(const Call& call, const Wanted& wanted, const std::vector<const Json*>& objects,
              bool columns, std::int64_t now_s) {
  const schema::Kind& kind = *call.kind;
  Json out = {{"kind", "Table"},
              {"apiVersion", "meta.k8s.io/" + wanted.meta_version},
              {"metadata", Json::object()},
              {"columnDefinitions", nullptr},
              {"rows", Json::array()}};
  if (columns) {
    out["columnDefinitions"] = Json::array();
    for (const schema::Column& column : kind.columns) {
      out["columnDefinitions"].push_back({{"name", column.name},
                                          {"type", column.type},
                                          {"format", column.format},
                                          {"description", column.description},
                                          {"priority", column.priority}});
    }
  }
  const std::string include = call.parameter("includeObject");
  for (const Json* stored : objects) {
    const Json object = from_storage(*stored, kind);
    Json cells = Json::array();
    if (kind.cells != nullptr) {
      cells = kind.cells(object, now_s);
    } else {
      for (const schema::Column& column : kind.columns) {
        cells.push_back(schema::crd_cell(object, column, now_s));
      }
    }
    Json row = {{"cells", std::move(cells)}};
    if (include == "Object") {
      row["object"] = object;
    } else if (include != "None") {
      row["object"] = partial_metadata(object, wanted.meta_version);
    }
    out["rows"].push_back(std::move(row));
  }
  return out;
}

Reply json_object_reply(const Call& call, const Wanted& wanted, const Json& object, int status,
                        std::int64_t now_s) {
  switch (wanted.form) {
    case Form::kTable: {
      Json table = table_of(call, wanted, {&object}, true, now_s);
      table["metadata"]["resourceVersion"] = version_of(object);
      return reply_of(table, wanted, status, call.pretty);
    }
    case Form::kMetadata:
      return reply_of(partial_metadata(object, wanted.meta_version), wanted, status, call.pretty);
    case Form::kObject:
      break;
  }
  return reply_of(from_storage(object, *call.kind), wanted, status, call.pretty);
}

Reply object_reply(const Call& call, const Wanted& wanted, const StoredObject& object, int status,
                   std::int64_t now_s) {
  const bool as_stored = wanted.form == Form::kObject && !wanted.yaml && !call.pretty &&
                         call.kind->api_version() == call.kind->storage_version;
  if (!as_stored) return json_object_reply(call, wanted, object.json, status, now_s);
  return {.status = status,
          .content_type = "application/json",
          .body = object.bytes,
          .headers = {},
          .warnings = {}};
}

Reply list_reply(const Call& call, const Wanted& wanted, const std::vector<ObjectPtr>& items,
                 const ListMeta& meta, std::int64_t now_s) {
  const schema::Kind& kind = *call.kind;
  if (wanted.form == Form::kTable) {
    std::vector<const Json*> objects;
    for (const ObjectPtr& item : items) objects.push_back(&item->json);
    Json table = table_of(call, wanted, objects, true, now_s);
    table["metadata"] = list_meta(meta);
    return reply_of(table, wanted, 200, call.pretty);
  }
  if (wanted.form == Form::kObject && !wanted.yaml && !call.pretty) {
    Reply out;
    std::size_t size = 256;
    for (const ObjectPtr& item : items) size += item->bytes.size() + 1;
    out.body.reserve(size);
    out.body += fmt::format(R"({{"kind":"{}","apiVersion":"{}","metadata":{},"items":[)",
                            kind.list_kind, kind.api_version(), compact(list_meta(meta)));
    const bool as_stored = kind.api_version() == kind.storage_version;
    bool first = true;
    for (const ObjectPtr& item : items) {
      if (!first) out.body += ',';
      first = false;
      if (as_stored) {
        out.body += item->bytes;
      } else {
        out.body += encode_object(kind, *item);
      }
    }
    out.body += "]}\n";
    return out;
  }
  Json list = {{"kind", kind.list_kind},
               {"apiVersion", kind.api_version()},
               {"metadata", list_meta(meta)},
               {"items", Json::array()}};
  if (wanted.form == Form::kMetadata) {
    list["kind"] = "PartialObjectMetadataList";
    list["apiVersion"] = "meta.k8s.io/" + wanted.meta_version;
  }
  for (const ObjectPtr& item : items) {
    list["items"].push_back(wanted.form == Form::kMetadata
                                ? partial_metadata(item->json, wanted.meta_version)
                                : from_storage(item->json, kind));
  }
  return reply_of(list, wanted, 200, call.pretty);
}

}  // namespace nacelle::kube::server
