#include "gateway/config/decode.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/nearest_name.h"
#include "net/address.h"

namespace nacelle::gateway {
namespace {

struct Kind {
  std::string_view name;
  std::string_view group;  // "" = core
  std::function<void(ObjectReader&, ObjectMeta, Objects&)> decode;
};

void decode_class(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  GatewayClassObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.required("controllerName", out.controller);
    spec.ignore({"description", "parametersRef"});
  });
  out.meta = std::move(meta);
  objects.classes.push_back(std::move(out));
}

void decode_namespace(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  root.ignore_rest();
  objects.namespaces[meta.name] = meta.labels;
}

void decode_secrets(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  decode_secret(root, std::move(meta), objects.secrets);
}
void decode_config_map(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  decode_secret(root, std::move(meta), objects.config_maps);
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds = {
      {"GatewayClass", kGatewayGroup, decode_class},
      {"Gateway", kGatewayGroup, decode_gateway},
      {"HTTPRoute", kGatewayGroup, decode_route},
      {"ReferenceGrant", kGatewayGroup, decode_grant},
      {"BackendTLSPolicy", kGatewayGroup, decode_backend_tls},
      {"InferencePool", kPoolGroup, decode_pool},
      {"Backend", kEnvoyGroup, decode_external_backend},
      {"Service", "", decode_service},
      {"EndpointSlice", "discovery.k8s.io", decode_slice},
      {"Secret", "", decode_secrets},
      {"ConfigMap", "", decode_config_map},
      {"Namespace", "", decode_namespace},
      {"StaticEndpoints", kOwnGroup, decode_endpoints},
      {"GatewayPolicy", kOwnGroup, decode_policy},
      {"GatewaySettings", kOwnGroup, decode_settings},
  };
  return kKinds;
}

// Kept as it is written: whoever makes pickers reads and checks it.
void decode_picker_object(const nlohmann::json& object, Objects& objects) {
  PickerObject out;
  const auto text = [&](const char* pointer, const char* fallback) {
    const nlohmann::json::json_pointer at(pointer);
    return object.contains(at) && object[at].is_string() ? object[at].get<std::string>() : fallback;
  };
  out.name_space = text("/metadata/namespace", "default");
  out.pool = text("/spec/poolRef/name", "");
  out.text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  objects.picker_objects.push_back(std::move(out));
}

ObjectMeta decode_meta(ObjectReader& root) {
  ObjectMeta meta;
  root.object("metadata", [&](ObjectReader reader) {
    reader.ignore_rest();  // an API adds many fields
    reader.required("name", meta.name);
    reader.string("namespace", meta.name_space);
    reader.string("creationTimestamp", meta.created);
    std::vector<std::pair<std::string, std::string>> pairs;
    if (reader.string_map("labels", pairs)) meta.labels = {pairs.begin(), pairs.end()};
    pairs.clear();
    if (reader.string_map("annotations", pairs)) meta.annotations = {pairs.begin(), pairs.end()};
  });
  return meta;
}

}  // namespace

void decode_object(std::string_view source, const nlohmann::json& object, const ConfigPart* part,
                   Objects& objects, Problems& problems) {
  if (!object.is_object()) {
    problems.add(source, "expected an object with apiVersion and kind");
    return;
  }
  std::string api_version, kind_name;
  {
    ObjectReader reader(object, std::string(source) + ":", problems);
    reader.ignore_rest();
    const bool complete =
        reader.required("apiVersion", api_version) & reader.required("kind", kind_name);
    if (!complete) return;
  }
  if (kind_name == "InferenceObjective" || kind_name == "InferenceModelRewrite") {
    decode_picker_object(object, objects);
    return;
  }
  std::vector<Kind> known = kinds();
  if (part != nullptr) {
    for (const PartKind& kind : part->kinds()) known.push_back({kind.name, kind.group, nullptr});
  }
  const auto kind = std::find_if(known.begin(), known.end(),
                                 [&](const Kind& one) { return one.name == kind_name; });
  if (kind == known.end()) {
    std::vector<std::string_view> names;
    for (const Kind& one : known) names.push_back(one.name);
    problems.add(source,
                 fmt::format("unknown kind '{}'{}", kind_name, did_you_mean(kind_name, names)));
    return;
  }
  const std::size_t slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  if (group != kind->group) {
    problems.add(source, fmt::format("kind {} belongs to the API group '{}', not '{}'", kind_name,
                                     kind->group, group));
    return;
  }
  ObjectReader root(object, std::string(source) + ":", problems);
  root.ignore({"apiVersion", "kind", "status"});
  ObjectMeta meta = decode_meta(root);
  if (meta.name.empty()) {
    if (!root.has("metadata")) root.problem("metadata", "is required");
    root.ignore_rest();
    return;
  }
  meta.where = kind_name == "GatewayClass" || kind_name == "Namespace"
                   ? fmt::format("{}: {} {}:", source, kind_name, meta.name)
                   : fmt::format("{}: {} {}:", source, kind_name, meta.full_name());
  ObjectReader named(object, meta.where, problems);
  root.ignore_rest();
  named.ignore({"apiVersion", "kind", "status", "metadata"});
  if (kind->decode) {
    kind->decode(named, std::move(meta), objects);
  } else {  // the part's
    named.ignore_rest();
    objects.part_objects.push_back({std::move(meta), kind_name});
  }
}

ObjectRef decode_ref(ObjectReader& reader, std::string_view group, std::string_view kind,
                     std::string_view name_space) {
  ObjectRef ref;
  ref.where = reader.where();
  ref.group = group;
  ref.kind = kind;
  ref.name_space = name_space;
  reader.string("group", ref.group);
  reader.string("kind", ref.kind);
  reader.string("namespace", ref.name_space);
  reader.string("sectionName", ref.section);
  reader.required("name", ref.name);
  std::int64_t port = 0;
  if (reader.integer("port", 1, 65535, port)) ref.port = static_cast<std::uint16_t>(port);
  return ref;
}

void decode_grant(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  GrantObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.each("from", 16, [&](ObjectReader from) {
      ObjectRef ref;
      from.string("group", ref.group);
      from.required("kind", ref.kind);
      from.required("namespace", ref.name_space);
      out.from.push_back(std::move(ref));
    });
    spec.each("to", 16, [&](ObjectReader to) {
      ObjectRef ref;
      to.string("group", ref.group);
      to.required("kind", ref.kind);
      to.string("name", ref.name);
      out.to.push_back(std::move(ref));
    });
  });
  out.meta = std::move(meta);
  objects.grants.push_back(std::move(out));
}

void decode_backend_tls(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  BackendTlsObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.ignore({"options"});
    spec.each("targetRefs", 16, [&](ObjectReader target) {
      out.targets.push_back(decode_ref(target, "", "Service", meta.name_space));
    });
    spec.object("validation", [&](ObjectReader validation) {
      validation.required("hostname", out.hostname);
      validation.each("caCertificateRefs", 8, [&](ObjectReader authority) {
        out.authorities.push_back(decode_ref(authority, "", "ConfigMap", meta.name_space));
      });
      if (validation.one_of("wellKnownCACertificates", {"System"})) out.system_authorities = true;
      if (out.system_authorities != out.authorities.empty()) {
        validation.problem("caCertificateRefs",
                           "give either these or wellKnownCACertificates, not both or none");
      }
      if (validation.has("subjectAltNames"))
        validation.problem("subjectAltNames", "are not served; the hostname is checked");
      validation.each("subjectAltNames", 5, [&](ObjectReader name) {
        std::string text;
        const auto type = name.one_of("type", {"Hostname", "URI"});
        name.string("hostname", text);
        name.string("uri", text);
        if (type && !text.empty()) out.alternative_names.push_back(text);
      });
    });
  });
  out.meta = std::move(meta);
  objects.backend_tls.push_back(std::move(out));
}

}  // namespace nacelle::gateway
