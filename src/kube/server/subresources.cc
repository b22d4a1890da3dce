#include "kube/server/subresources.h"

#include <fmt/format.h>

#include "kube/time.h"

namespace nacelle::kube::server {
Reply success_reply(int code, bool pretty) {
  return json_reply({{"kind", "Status"},
                     {"apiVersion", "v1"},
                     {"metadata", Json::object()},
                     {"status", "Success"},
                     {"code", code}},
                    code, pretty);
}

async::Task<Try<Reply>> bind_pod(State& state, Call& call) {
  auto body = decode_body(call.body, call.content_type, "Binding");
  if (!body.ok()) co_return std::move(body.failure());
  const Json& binding = body->object;
  const std::string node(text_at(binding, {"target", "name"}));
  if (call.resource.name.empty()) {
    call.resource.name = text_at(binding, {"metadata", "name"});
    call.kind = call.registry->find("", "v1", "pods");
  }
  call.resource.subresource.clear();
  const schema::Kind& kind = *call.kind;
  if (node.empty()) {
    const schema::Findings findings = {schema::required("target.name")};
    co_return invalid("", "Binding", call.resource.name, findings);
  }
  const std::string now_text = timestamp(state.now_s());
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr) return not_found(kind, call.resource.name);
    const std::string_view bound = text_at(now->json, {"spec", "nodeName"});
    if (!bound.empty()) {
      return conflict(
          kind, call.resource.name,
          fmt::format("pod {} is already assigned to node \"{}\"", call.resource.name, bound));
    }
    if (is_being_deleted(now->json)) {
      return conflict(
          kind, call.resource.name,
          fmt::format("pod {} is being deleted, cannot be assigned to a host", call.resource.name));
    }
    Decision out{.object = now->json};
    out.object["spec"]["nodeName"] = node;
    Json& conditions = out.object["status"]["conditions"];
    if (!conditions.is_array()) conditions = Json::array();
    std::erase_if(conditions.get_ref<Json::array_t&>(),
                  [](const Json& one) { return text_at(one, {"type"}) == "PodScheduled"; });
    conditions.push_back({{"type", "PodScheduled"},
                          {"status", "True"},
                          {"lastProbeTime", nullptr},
                          {"lastTransitionTime", now_text}});
    return out;
  };
  auto stored = co_await write_decided(state, call, std::move(decide), false);
  if (!stored.ok()) co_return std::move(stored.failure());
  co_return success_reply(201, call.pretty);
}

async::Task<Try<Reply>> finalize_namespace(State& state, Call& call) {
  auto wanted = negotiate(call.accept);
  if (!wanted.ok()) co_return std::move(wanted.failure());
  auto body = decode_body(call.body, call.content_type, "Namespace");
  if (!body.ok()) co_return std::move(body.failure());
  const Json finalizers = list_at(body->object, {"spec", "finalizers"});
  Decide decide = [&](const StoredObject* now) -> Try<Decision> {
    if (now == nullptr) return not_found(*call.kind, call.resource.name);
    const std::string version(version_of(body->object));
    if (!version.empty() && version != std::to_string(now->revision)) {
      return modified(*call.kind, call.resource.name);
    }
    Decision out{.object = now->json};
    if (finalizers.empty()) {
      out.object["spec"] = Json::object();
    } else {
      out.object["spec"]["finalizers"] = finalizers;
    }
    out.remove = is_being_deleted(now->json) && finalizers.empty() &&
                 list_at(now->json, {"metadata", "finalizers"}).empty();
    return out;
  };
  auto stored = co_await write_decided(state, call, std::move(decide), false);
  if (!stored.ok()) co_return std::move(stored.failure());
  co_return reply_to(state, call, *wanted, *stored, 200, {});
}

Try<Reply> issue_token(State& state, const Call& call) {
  if (state.tokens == nullptr) return not_implemented("this server asks for no tokens");
  auto body = decode_body(call.body, call.content_type, "TokenRequest");
  if (!body.ok()) return std::move(body.failure());
  Json request = std::move(body->object);
  const ObjectPtr account = state.store->get("serviceaccounts", call.key());
  if (account == nullptr) return not_found(*call.kind, call.resource.name);
  const auto seconds = number_at(request, {"spec", "expirationSeconds"}).value_or(3600);
  if (seconds < 600) {
    return invalid("authentication.k8s.io", "TokenRequest", "",
                   {schema::invalid("spec.expirationSeconds", seconds,
                                    "may not specify a duration less than 10 minutes")});
  }
  constexpr std::int64_t kMostSeconds = std::int64_t{1} << 32;
  const std::int64_t now = state.now_s();
  Tokens::Claims claims{.account = call.key(),
                        .account_uid = std::string(text_at(account->json, {"metadata", "uid"})),
                        .audiences = list_at(request, {"spec", "audiences"}),
                        .bound = map_at(request, {"spec", "boundObjectRef"}),
                        .issued_s = now,
                        .expires_s = now + std::min(seconds, kMostSeconds)};
  request["kind"] = "TokenRequest";
  request["apiVersion"] = "authentication.k8s.io/v1";
  request["metadata"] = {{"name", call.resource.name}, {"namespace", call.resource.name_space}};
  request["spec"]["expirationSeconds"] = seconds;
  request["status"] = {{"token", state.tokens->issue(claims)},
                       {"expirationTimestamp", timestamp(claims.expires_s)}};
  return json_reply(request, 201, call.pretty);
}

Try<Reply> serve_review(State& state, const Call& call, const VirtualKind& kind) {
  auto body = decode_body(call.body, call.content_type, kind.kind);
  if (!body.ok()) return std::move(body.failure());
  Json review = std::move(body->object);
  review["kind"] = kind.kind;
  review["apiVersion"] = std::string(kind.group) + "/" + kind.version;
  if (!review.contains("metadata")) review["metadata"] = Json::object();
  const std::string_view name = kind.kind;
  const auto user_json = [](const User& user) {
    Json out = {{"username", user.name}, {"groups", user.groups}};
    if (!user.uid.empty()) out["uid"] = user.uid;
    return out;
  };
  if (name == "SelfSubjectRulesReview") {
    review["status"] = {
        {"resourceRules",
         Json::array({{{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}}})},
        {"nonResourceRules", Json::array({{{"verbs", {"*"}}, {"nonResourceURLs", {"*"}}}})},
        {"incomplete", false}};
  } else if (name == "SelfSubjectReview") {
    review["status"] = {{"userInfo", user_json(call.user)}};
  } else if (name == "TokenReview") {
    const std::string token(text_at(review, {"spec", "token"}));
    const auto user =
        state.tokens != nullptr ? state.tokens->user_of(token, state.now_s()) : std::nullopt;
    review["status"] = {{"authenticated", user.has_value()}};
    if (user.has_value()) review["status"]["user"] = user_json(*user);
  } else {
    // Whoever is known may do everything.
    review["status"] = {{"allowed", true},
                        {"reason", "every authenticated user may do everything"}};
  }
  return json_reply(review, 201, call.pretty);
}

}  // namespace nacelle::kube::server
