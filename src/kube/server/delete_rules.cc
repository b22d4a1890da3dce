#include "kube/server/delete_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "kube/server/body.h"
#include "kube/time.h"

namespace nacelle::kube::server {
namespace {

constexpr const char* kForeground = "foregroundDeletion";
constexpr const char* kOrphan = "orphan";

std::string text(const Json& object, Path path) { return std::string(text_at(object, path)); }

Failure options_failure(const schema::Findings& findings) {
  return invalid("meta.k8s.io", "DeleteOptions", "", findings);
}

std::optional<Failure> check_options(const DeleteOptions& options, bool has_orphan_dependents) {
  schema::Findings findings;
  if (!options.policy.empty() && has_orphan_dependents) {
    findings.push_back(
        schema::invalid("propagationPolicy", options.policy,
                        "orphanDependents and propagationPolicy cannot be both set"));
  }
  if (!options.policy.empty() && options.policy != "Background" && options.policy != "Foreground" &&
      options.policy != "Orphan") {
    findings.push_back(schema::unsupported("propagationPolicy", options.policy,
                                           {"Foreground", "Background", "Orphan", "nil"}));
  }
  if (options.grace_s.has_value() && *options.grace_s < 0) {
    findings.push_back(schema::invalid("gracePeriodSeconds", *options.grace_s,
                                       "must be greater than or equal to 0"));
  }
  if (findings.empty()) return std::nullopt;
  return options_failure(findings);
}

std::optional<Failure> check_preconditions(const StoredObject& now, const schema::Kind& kind,
                                           const DeleteOptions& options) {
  const std::string name = text(now.json, {"metadata", "name"});
  const std::string uid = text(now.json, {"metadata", "uid"});
  const auto refuse = [&](std::string_view what, std::string_view asked, std::string_view have) {
    Json details = {{"name", name}, {"kind", kind.kind}};
    if (!kind.group.empty()) details["group"] = kind.group;
    return make_failure(
        409, "Conflict",
        fmt::format(
            "Operation cannot be fulfilled on {} \"{}\": the {} in the precondition ({}) does "
            "not match the {} in record ({}). The object might have been {}",
            kind.kind, name, what, asked, what, have,
            what == "UID" ? "deleted and then recreated" : "modified"),
        std::move(details));
  };
  if (!options.uid.empty() && options.uid != uid) return refuse("UID", options.uid, uid);
  if (!options.version.empty() && options.version != std::to_string(now.revision)) {
    return refuse("ResourceVersion", options.version, std::to_string(now.revision));
  }
  return std::nullopt;
}

// Which policy a kind has when nothing is asked.
std::string policy_of(const schema::Kind& kind, const DeleteOptions& options) {
  if (!options.policy.empty()) return options.policy;
  return kind.group == "batch" ? "Orphan" : "Background";
}

bool has(const Json& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The grace a pod is given; 0 for all that goes at once.
std::int64_t grace_of(const Json& object, const schema::Kind& kind, const DeleteOptions& options) {
  if (kind.collection != "pods") return 0;
  const std::string_view phase = text_at(object, {"status", "phase"});
  if (text_at(object, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed") {
    return 0;
  }
  if (options.grace_s.has_value()) return *options.grace_s;
  return std::max<std::int64_t>(
      number_at(object, {"spec", "terminationGracePeriodSeconds"}).value_or(30), 0);
}

bool is_protected(const std::string& name) {
  return name == "default" || name == "kube-system" || name == "kube-public" ||
         name == "kube-node-lease";
}

}  // namespace

Try<DeleteOptions> parse_delete_options(const std::string& body, const std::string& content_type,
                                        const Parameters& parameters) {
  DeleteOptions out;
  bool has_orphan_dependents = false;
  const auto orphan = [&](bool value) {
    has_orphan_dependents = true;
    if (out.policy.empty()) out.policy = value ? "Orphan" : "Background";
  };
  if (!body.empty()) {
    auto decoded = decode_body(body, content_type, "DeleteOptions");
    if (!decoded.ok()) return std::move(decoded.failure());
    const Json& given = decoded->object;
    out.grace_s = number_at(given, {"gracePeriodSeconds"});
    out.uid = text(given, {"preconditions", "uid"});
    out.version = text(given, {"preconditions", "resourceVersion"});
    out.policy = text(given, {"propagationPolicy"});
    for (const Json& one : list_at(given, {"dryRun"})) out.dry_run = out.dry_run || one == "All";
    if (auto failure = check_options(
            out, find(given, {"orphanDependents"}) != nullptr && !out.policy.empty())) {
      return std::move(*failure);
    }
    if (find(given, {"orphanDependents"}) != nullptr) orphan(bool_at(given, {"orphanDependents"}));
    return out;
  }
  const auto parameter = [&](std::string_view name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };
  if (const std::string grace = parameter("gracePeriodSeconds"); !grace.empty()) {
    out.grace_s = parse_int(grace);
    if (!out.grace_s.has_value()) return bad_request("gracePeriodSeconds is no number: " + grace);
  }
  out.policy = parameter("propagationPolicy");
  if (const std::string dry = parameter("dryRun"); !dry.empty()) {
    if (dry != "All") {
      return options_failure({schema::unsupported("dryRun", dry, {"All"})});
    }
    out.dry_run = true;
  }
  const auto orphans = parse_bool(parameter("orphanDependents"));
  if (auto failure = check_options(out, orphans.has_value() && !out.policy.empty())) {
    return std::move(*failure);
  }
  if (orphans.has_value()) orphan(*orphans);
  return out;
}

Try<Deletion> decide_deletion(const StoredObject& now, const schema::Kind& kind,
                              const DeleteOptions& options, std::int64_t now_s) {
  if (auto failure = check_preconditions(now, kind, options)) return std::move(*failure);
  const std::string name = text(now.json, {"metadata", "name"});
  const bool is_namespace = kind.collection == "namespaces";
  if (is_namespace && is_protected(name)) {
    return forbidden(kind, name, "this namespace may not be deleted");
  }
  Deletion out{.object = now.json};
  Json& metadata = out.object["metadata"];
  Json finalizers = list_at(now.json, {"metadata", "finalizers"});
  const std::string policy = policy_of(kind, options);
  const bool terminating = is_being_deleted(now.json);
  if (policy == "Foreground" && !has(finalizers, kForeground)) finalizers.push_back(kForeground);
  if (policy == "Orphan" && options.policy == "Orphan" && !has(finalizers, kOrphan)) {
    finalizers.push_back(kOrphan);
  }
  const std::int64_t grace = grace_of(now.json, kind, options);
  const bool held =
      !finalizers.empty() || (is_namespace && !list_at(now.json, {"spec", "finalizers"}).empty());
  if (!held && grace == 0) {
    out.remove = true;
    return out;
  }
  if (terminating) {
    const auto before = number_at(metadata, {"deletionGracePeriodSeconds"}).value_or(0);
    const bool shorter = kind.collection == "pods" && options.grace_s.has_value() && grace < before;
    const bool same_finalizers = finalizers == list_at(now.json, {"metadata", "finalizers"});
    if (!shorter && same_finalizers) {
      out.write = false;
      return out;
    }
    if (shorter) {
      const auto deadline = parse_timestamp(text(metadata, {"deletionTimestamp"}));
      metadata["deletionGracePeriodSeconds"] = grace;
      metadata["deletionTimestamp"] = timestamp(deadline.value_or(now_s + before) - before + grace);
    }
  } else {
    metadata["deletionTimestamp"] = timestamp(now_s + grace);
    metadata["deletionGracePeriodSeconds"] = grace;
    if (kind.counts_generation) {
      metadata["generation"] = number_at(metadata, {"generation"}).value_or(0) + 1;
    }
    if (is_namespace) out.object["status"]["phase"] = "Terminating";
  }
  if (!finalizers.empty()) metadata["finalizers"] = std::move(finalizers);
  return out;
}

}  // namespace nacelle::kube::server
