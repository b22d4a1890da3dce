#include "control/core/kserve/pod_injection.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "control/core/pod/expansion.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

constexpr std::string_view kModelFolder = "/mnt/models";
constexpr std::string_view kLoraFolder = "/mnt/lora/";

Json* container_of(Json& pod, std::string_view list, std::string_view name) {
  const auto containers = pod.find(list);
  if (containers == pod.end() || !containers->is_array()) return nullptr;
  for (Json& container : *containers) {
    if (text_at(container, {"name"}) == name) return &container;
  }
  return nullptr;
}

bool has_named(const Json& list, std::string_view key, std::string_view value) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Json& item) { return text_at(item, {key}) == value; });
}

void add_volume(Json& pod, Json volume) {
  if (!has_named(pod["volumes"], "name", text_at(volume, {"name"}))) {
    pod["volumes"].push_back(std::move(volume));
  }
}

void mount(Json& container, Json how) {
  if (!has_named(container["volumeMounts"], "mountPath", text_at(how, {"mountPath"}))) {
    container["volumeMounts"].push_back(std::move(how));
  }
}

// `value` may refer to other variables; a text of the user's is escaped.
void set_env(Json& container, std::string_view name, std::string_view value) {
  if (!has_named(container["env"], "name", name)) {
    container["env"].push_back({{"name", name}, {"value", value}});
  }
}

// "claim/path/in/it" of pvc://
std::pair<std::string, std::string> claim_of(std::string_view uri) {
  uri.remove_prefix(std::string_view("pvc://").size());
  const std::size_t slash = uri.find('/');
  return {std::string(uri.substr(0, slash)),
          slash == uri.npos ? "" : std::string(uri.substr(slash + 1))};
}

Json claim_mount(const std::string& volume, const std::string& path, std::string_view at) {
  Json out = {{"name", volume}, {"mountPath", at}, {"readOnly", true}};
  if (!path.empty()) out["subPath"] = path;
  return out;
}

// One init container fetches everything that is fetched, as pairs of uri and folder.
void fetch(Json& pod, Json& container, const std::vector<std::string>& pairs,
           const GlobalConfig& global, std::string_view mounted_at) {
  Json* init = container_of(pod, "initContainers", "storage-initializer");
  Json own = init == nullptr ? Json{{"name", "storage-initializer"}} : *init;
  own["args"] = pairs;
  own.erase("command");
  if (!own.contains("image")) own["image"] = global.storage_initializer_image;
  if (!own.contains("terminationMessagePolicy")) {
    own["terminationMessagePolicy"] = "FallbackToLogsOnError";
  }
  set_env(own, "HF_HUB_ENABLE_HF_TRANSFER", "1");
  set_env(own, "HF_XET_HIGH_PERFORMANCE", "1");
  set_env(own, "HF_XET_NUM_CONCURRENT_RANGE_GETS", "8");
  mount(own, {{"name", "kserve-provision-location"}, {"mountPath", mounted_at}});
  if (init != nullptr) {
    *init = std::move(own);
  } else {
    Json& list = pod["initContainers"];
    if (!list.is_array()) list = Json::array();
    list.insert(list.begin(), std::move(own));
  }
  add_volume(pod, {{"name", "kserve-provision-location"}, {"emptyDir", Json::object()}});
  mount(container,
        {{"name", "kserve-provision-location"}, {"mountPath", mounted_at}, {"readOnly", true}});
}

// Mounts what is mounted; what is fetched goes to `pairs`.
Status place(Json& pod, Json& container, const std::string& uri, const std::string& at,
             const std::string& volume, std::vector<std::string>& pairs) {
  if (is_fetched(uri)) {
    pairs.push_back(pod::escaped(uri));
    pairs.push_back(at);
  } else if (uri.starts_with("pvc://")) {
    const auto [claim, path] = claim_of(uri);
    if (claim.empty()) return invalid_argument("model uri {} names no claim", uri);
    add_volume(pod, {{"name", volume}, {"persistentVolumeClaim", {{"claimName", claim}}}});
    mount(container, claim_mount(volume, path, at));
  } else if (uri.starts_with("file:///")) {
    add_volume(pod,
               {{"name", volume}, {"hostPath", {{"path", uri.substr(7)}, {"type", "Directory"}}}});
    mount(container, {{"name", volume}, {"mountPath", at}, {"readOnly", true}});
  } else {
    return invalid_argument(
        "unsupported schema of model uri \"{}\": hf://, s3://, pvc:// and file:/// are served",
        uri);
  }
  return {};
}

std::string sanitised(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    out += plain ? c : '-';
  }
  return out;
}

std::string volume_name(std::string name) {
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == '_' || c == '.') c = '-';
  }
  return child_name("lora-pvc-", name);
}

bool names_lora_modules(const Json& container) {
  const auto mentions = [](const Json& list) {
    return std::any_of(list.begin(), list.end(), [](const Json& item) {
      return item.is_string() &&
             item.get_ref<const std::string&>().find("--lora-modules") != std::string::npos;
    });
  };
  if (mentions(kube::list_at(container, {"command"})) ||
      mentions(kube::list_at(container, {"args"}))) {
    return true;
  }
  for (const Json& env : kube::list_at(container, {"env"})) {
    if (text_at(env, {"name"}) == "VLLM_ADDITIONAL_ARGS" &&
        text_at(env, {"value"}).find("--lora-modules") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// In quotes of the shell, since the entry script evaluates its arguments.
std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// The same, where the shell would read more in it than a word.
std::string shell_word(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./:@%+=,").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return plain ? text : shell_quoted(text);
}

void add_lora_flags(Json& container, const Injection& what) {
  const Model& model = what.spec.model;
  if (names_lora_modules(container)) return;
  Json flags = {"--enable-lora"};
  const auto limit = [&](const char* flag, const std::optional<std::int64_t>& value) {
    if (value) flags.push_back(std::string(flag) + std::to_string(*value));
  };
  limit("--max-lora-rank=", model.max_rank);
  limit("--max-loras=", model.max_adapters);
  limit("--max-cpu-loras=", model.max_cpu_adapters);
  flags.push_back("--lora-modules");
  for (const Adapter& adapter : model.adapters) {
    const std::string path = std::string(kLoraFolder) + sanitised(adapter.name);
    for (const std::string& name : {adapter.name, publisher_name(what.name_space, adapter.name)}) {
      const Json module = {{"name", name}, {"path", path}};
      flags.push_back(
          pod::escaped(shell_quoted(module.dump(-1, ' ', false, Json::error_handler_t::replace))));
    }
  }
  for (const Json& own : kube::list_at(container, {"args"})) flags.push_back(own);
  container["args"] = std::move(flags);
}

Status add_models(Json& pod, Json& container, const Injection& what) {
  const Model& model = what.spec.model;
  std::vector<std::string> pairs;
  if (what.spec.fetch_model) {
    RETURN_IF_ERROR(
        place(pod, container, model.uri, std::string(kModelFolder), "kserve-pvc-source", pairs));
  } else if (!is_fetched(model.uri) && !model.uri.empty()) {
    // Nothing is downloaded, but a folder that is there is still mounted.
    RETURN_IF_ERROR(
        place(pod, container, model.uri, std::string(kModelFolder), "kserve-pvc-source", pairs));
  }
  bool adapters_fetched = false;
  for (const Adapter& adapter : model.adapters) {
    const std::string at = std::string(kLoraFolder) + sanitised(adapter.name);
    if (is_fetched(adapter.uri) && !what.spec.fetch_model) {
      return invalid_argument("adapter {} needs storageInitializer.enabled", adapter.name);
    }
    adapters_fetched = adapters_fetched || is_fetched(adapter.uri);
    RETURN_IF_ERROR(place(pod, container, adapter.uri, at, volume_name(adapter.name), pairs)
                        .with_context("adapter " + adapter.name));
  }
  if (!pairs.empty()) {
    fetch(pod, container, pairs, what.global, adapters_fetched ? "/mnt" : kModelFolder);
  }
  if (!model.adapters.empty()) add_lora_flags(container, what);
  return {};
}

void add_cache_tiers(Json& pod, Json& container, const Json& offloading) {
  const Json& tiers = kube::list_at(offloading, {"secondary"});
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    const std::string name = "kv-cache-secondary-" + std::to_string(i);
    Json how = {{"name", name}, {"mountPath", "/mnt/kv-cache-" + std::to_string(i)}};
    const Json& fs = kube::map_at(tiers[i], {"fileSystem"});
    if (const Json* empty = kube::find(fs, {"emptyDir"}); empty != nullptr) {
      Json volume = {{"name", name}, {"emptyDir", Json::object()}};
      if (const Json* size = kube::find(*empty, {"size"}); size != nullptr) {
        volume["emptyDir"]["sizeLimit"] = *size;
        container["resources"]["requests"]["ephemeral-storage"] = *size;
      }
      add_volume(pod, std::move(volume));
    } else if (const Json* spec = kube::find(fs, {"pvc", "spec"}); spec != nullptr) {
      add_volume(pod,
                 {{"name", name}, {"ephemeral", {{"volumeClaimTemplate", {{"spec", *spec}}}}}});
    } else {
      const Json& ref = kube::map_at(fs, {"pvc", "ref"});
      add_volume(pod, {{"name", name},
                       {"persistentVolumeClaim", {{"claimName", text_at(ref, {"name"})}}}});
      if (const std::string_view path = text_at(ref, {"path"}); !path.empty()) {
        how["subPath"] = path;
      }
    }
    mount(container, std::move(how));
  }
}

void add_tracing(Json& container, const Json& tracing, std::string_view role) {
  set_tracing_env(container, tracing, "inference-server-" + std::string(role));
  Json& args = container["args"];
  if (!args.is_array()) args = Json::array();
  const std::string endpoint(text_at(tracing, {"exporterEndpoint"}));
  for (const std::string& flag :
       {std::string("--otlp-traces-endpoint"), pod::escaped(shell_word(endpoint)),
        std::string("--collect-detailed-traces"), std::string("all")}) {
    args.push_back(flag);
  }
}

}  // namespace

void set_tracing_env(Json& container, const Json& tracing, std::string_view service) {
  const auto literal = [&](const char* field) { return pod::escaped(text_at(tracing, {field})); };
  set_env(container, "OTEL_SERVICE_NAME", service);
  set_env(container, "OTEL_EXPORTER_OTLP_ENDPOINT", literal("exporterEndpoint"));
  set_env(container, "OTEL_TRACES_EXPORTER", literal("exporter"));
  set_env(container, "OTEL_TRACES_SAMPLER", literal("sampler"));
  set_env(container, "OTEL_TRACES_SAMPLER_ARG", literal("samplerArg"));
  for (const auto& [name, field] :
       {std::pair{"NODE_NAME", "spec.nodeName"}, std::pair{"POD_NAME", "metadata.name"}}) {
    const std::string full = std::string("OTEL_RESOURCE_ATTRIBUTES_") + name;
    if (has_named(container["env"], "name", full)) continue;
    container["env"].push_back(
        {{"name", full}, {"valueFrom", {{"fieldRef", {{"fieldPath", field}}}}}});
  }
  set_env(container, "OTEL_RESOURCE_ATTRIBUTES",
          "k8s.node.name=$(OTEL_RESOURCE_ATTRIBUTES_NODE_NAME),"
          "k8s.pod.name=$(OTEL_RESOURCE_ATTRIBUTES_POD_NAME)");
}

bool is_fetched(std::string_view uri) {
  return uri.starts_with("hf://") || uri.starts_with("s3://");
}

Status inject(Json& pod, const Injection& what) {
  if (container_of(pod, "containers", "main") == nullptr) return {};
  Json container = *container_of(pod, "containers", "main");
  RETURN_IF_ERROR(add_models(pod, container, what));
  if (!what.workload.kv_cache_offloading.is_null()) {
    add_cache_tiers(pod, container, what.workload.kv_cache_offloading);
  }
  if (!what.spec.tracing.is_null()) add_tracing(container, what.spec.tracing, what.role);
  *container_of(pod, "containers", "main") = std::move(container);
  return {};
}

Status inject_model_at_base(Json& pod, const Spec& spec, const GlobalConfig& global) {
  if (container_of(pod, "containers", "main") == nullptr) return {};
  Json container = *container_of(pod, "containers", "main");
  const std::string at = std::string(kModelFolder) + "/base";
  std::vector<std::string> pairs;
  RETURN_IF_ERROR(place(pod, container, spec.model.uri, at, "kserve-pvc-source", pairs));
  if (!pairs.empty()) fetch(pod, container, pairs, global, kModelFolder);
  *container_of(pod, "containers", "main") = std::move(container);
  return {};
}

}  // namespace nacelle::control::kserve
