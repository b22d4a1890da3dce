#include "control/core/kserve/combine.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "control/core/kserve/admission.h"
#include "control/core/kserve/after_merge.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/kserve/render.h"
#include "kube/patch.h"

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::text_at;

const kube::MergeSchema& spec_schema() {
  const kube::MergeSchema* schema = kube::builtin_type("LLMServiceSpec");
  CHECK(schema != nullptr);
  return *schema;
}

Combined failed(std::string reason, std::string message) {
  Combined out;
  out.reason = std::move(reason);
  out.message = std::move(message);
  return out;
}

class Combiner {
 public:
  Combiner(const Json& service, const GlobalConfig& global, const Lookup& lookup)
      : service_(service), global_(global), lookup_(lookup), key_(kube::key_of(service)) {}

  Combined run() {
    Json own = kube::map_at(service_, {"spec"});
    Combined out;
    std::vector<Json> bases;
    std::vector<AppliedConfig> named;
    for (const Json& ref : kube::list_at(own, {"baseRefs"})) {
      const std::string name(text_at(ref, {"name"}));
      std::string where;
      const Json* config = find_config(name, where);
      if (config == nullptr) return missing(name);
      bases.push_back(kube::map_at(*config, {"spec"}));
      named.push_back({name, where, false});
    }
    // What the service and its bases ask for decides which presets lie below.
    Json wanted = Json::object();
    for (const Json& base : bases) {
      if (Status status = lay(wanted, base); !status.ok()) return merge_error(status);
    }
    if (Status status = lay(wanted, own); !status.ok()) return merge_error(status);

    Json merged = Json::object();
    for (const std::string& suffix : presets_for(parse_spec(wanted))) {
      const std::string name = preset_name(suffix, out);
      std::string where;
      const Json* config = find_config(name, where);
      if (config == nullptr) return missing(name);
      if (Status status = lay(merged, kube::map_at(*config, {"spec"})); !status.ok()) {
        return merge_error(status);
      }
      out.applied.push_back({name, where, true});
    }
    for (const Json& base : bases) {
      if (Status status = lay(merged, base); !status.ok()) return merge_error(status);
    }
    if (Status status = lay(merged, own); !status.ok()) return merge_error(status);
    out.applied.insert(out.applied.end(), named.begin(), named.end());
    merged.erase("baseRefs");
    return finish(std::move(merged), std::move(out));
  }

 private:
  static Status lay(Json& under, const Json& over) {
    auto merged = kube::strategic_merge_patch(std::move(under), over, spec_schema());
    if (!merged.ok()) return merged.error();
    under = *std::move(merged);
    return {};
  }

  static Combined merge_error(const Status& status) {
    return failed("CombineBaseError", "failed to merge configs: " + status.message());
  }

  Combined missing(const std::string& name) const {
    return failed("ConfigNotFound",
                  fmt::format("{} \"{}\" was found neither in namespace {} nor in {}", kConfigKind,
                              name, key_.name_space, global_.system_namespace));
  }

  const Json* find_config(const std::string& name, std::string& where) const {
    for (const std::string& name_space : {key_.name_space, global_.system_namespace}) {
      const Json* config = lookup_.config ? lookup_.config(name_space, name) : nullptr;
      if (config == nullptr) continue;
      where = name_space;
      return config;
    }
    return nullptr;
  }

  // A service stays with the preset it began with, but for its route.
  std::string preset_name(const std::string& suffix, Combined& out) const {
    std::string name = std::string(kPresetPrefix) + suffix;
    if (suffix == "config-llm-router-route") return name;
    const std::string key = std::string(kGroup) + "/" + suffix;
    const std::string_view pinned = text_at(service_, {"status", "annotations", key});
    if (!pinned.empty()) name = pinned;
    out.pins[key] = name;
    return name;
  }

  Combined finish(Json merged, Combined out) {
    if (text_at(merged, {"model", "name"}).empty()) merged["model"]["name"] = key_.name;
    before_rendering(merged, key_);
    if (Status status = render_spec(merged, service_, global_); !status.ok()) {
      return failed("CombineBaseError", "failed to render templates: " + status.message());
    }
    if (Status status = after_rendering(merged, service_, global_, lookup_); !status.ok()) {
      return failed("CombineBaseError", status.message());
    }
    const Review review =
        review_service({{"metadata", {{"name", key_.name}}}, {"spec", merged}}, nullptr);
    if (!review.allowed()) {
      std::string text;
      for (const FieldProblem& problem : review.problems) {
        text += (text.empty() ? "" : "; ") + problem.field + ": " + problem.message;
      }
      return failed("InvalidRenderedConfig", std::move(text));
    }
    out.spec = std::move(merged);
    return out;
  }

  const Json& service_;
  const GlobalConfig& global_;
  const Lookup& lookup_;
  const kube::ObjectKey key_;
};

}  // namespace

Combined combine(const Json& service, const GlobalConfig& global, const Lookup& lookup) {
  return Combiner(service, global, lookup).run();
}

Status check_templates(const Json& config, const GlobalConfig& global) {
  const Json sample = {{"metadata", {{"name", "test-llm-preset"}, {"namespace", "test"}}},
                       {"spec", {{"model", {{"uri", "hf://org/model"}, {"name", "model"}}}}}};
  Json spec = kube::map_at(config, {"spec"});
  if (text_at(spec, {"model", "name"}).empty()) spec["model"]["name"] = "model";
  return render_spec(spec, sample, global);
}

}  // namespace nacelle::control::kserve
