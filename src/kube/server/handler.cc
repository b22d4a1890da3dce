#include "kube/server/handler.h"

#include <set>

#include <fmt/format.h>

#include "kube/server/computed.h"
#include "kube/server/handler_documents.h"
#include "kube/server/reading.h"
#include "kube/server/subresources.h"
#include "kube/server/watching.h"

namespace nacelle::kube::server {
namespace {

using net::http::ServerExchange;

// A quoted text in a header: one line, no control characters.
std::string warning_header(std::string_view text) {
  std::string out = "299 - \"";
  for (const char c : text.substr(0, 1024)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

async::Task<void> send(ServerExchange& exchange, const Reply& reply,
                       std::string_view kind_warning) {
  net::http::ResponseHead head;
  head.status = reply.status;
  if (!reply.content_type.empty()) head.headers.add("content-type", reply.content_type);
  bool cache = false;
  for (const auto& [name, value] : reply.headers) {
    head.headers.add(name, value);
    cache = cache || name == "cache-control";
  }
  if (!cache) head.headers.add("cache-control", "no-cache, private");
  const std::string audit(exchange.request().headers.get("audit-id"));
  head.headers.add("audit-id", audit.empty() ? new_uid() : audit);
  std::set<std::string_view> said;
  if (!kind_warning.empty()) head.headers.add("warning", warning_header(kind_warning));
  for (const std::string& text : reply.warnings) {
    if (said.insert(text).second) head.headers.add("warning", warning_header(text));
  }
  const bool has_body = net::http::status_allows_body(reply.status);
  (void)co_await exchange.respond(head,
                                  has_body ? std::string_view(reply.body) : std::string_view());
}

bool wants_pretty(const net::http::RequestHead& head, const Parameters& parameters) {
  const auto found = parameters.find("pretty");
  if (found != parameters.end()) return found->second == "1" || found->second == "true";
  const std::string_view agent = head.headers.get("user-agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

bool is_open_path(std::string_view path) {
  return path == "/version" || path == "/healthz" || path == "/livez" || path == "/readyz";
}

std::optional<User> user_of(const State& state, Trust trust, const net::http::RequestHead& head) {
  if (trust == Trust::kCaller || state.tokens == nullptr) return Tokens::admin();
  std::string_view header = head.headers.get("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (header.size() <= kBearer.size() ||
      !net::http::equals_ignore_case(header.substr(0, kBearer.size()), kBearer)) {
    return std::nullopt;
  }
  return state.tokens->user_of(header.substr(kBearer.size()), state.now_s());
}

// What only one subresource answers.
async::Task<Try<Reply>> serve_special(State& state, Call& call, bool& known) {
  const std::string& sub = call.resource.subresource;
  const std::string& collection = call.kind->collection;
  known = true;
  if (sub == "scale" && call.kind->scale != nullptr) {
    if (call.method != "GET" && call.method != "PUT" && call.method != "PATCH") {
      co_return method_not_allowed();
    }
    co_return co_await serve_scale(state, call);
  }
  const bool post = call.method == "POST";
  if (collection == "pods" && (sub == "eviction" || sub == "binding")) {
    if (!post) co_return method_not_allowed();
    if (sub == "eviction") co_return co_await evict_pod(state, call);
    co_return co_await bind_pod(state, call);
  }
  if (collection == "namespaces" && sub == "finalize") {
    if (call.method != "PUT") co_return method_not_allowed();
    co_return co_await finalize_namespace(state, call);
  }
  if (collection == "serviceaccounts" && sub == "token") {
    if (!post) co_return method_not_allowed();
    co_return issue_token(state, call);
  }
  if (collection == "pods" &&
      (sub == "exec" || sub == "attach" || sub == "portforward" || sub.starts_with("proxy"))) {
    co_return not_implemented(sub + " is not implemented");
  }
  known = false;
  co_return no_such_resource();
}

// Verbs on an object and its status.
async::Task<Try<Reply>> serve_object(State& state, Call& call) {
  const bool status = call.resource.subresource == "status" && call.kind->has_status;
  if (!call.resource.subresource.empty() && !status) {
    bool known = false;
    auto out = co_await serve_special(state, call, known);
    if (!known) co_return no_such_resource();
    co_return out;
  }
  if (call.method == "GET") co_return co_await get_object(state, call);
  if (call.method == "PUT") co_return co_await replace_object(state, call);
  if (call.method == "PATCH") co_return co_await patch_object(state, call);
  if (call.method == "DELETE" && !status) co_return co_await delete_object(state, call);
  co_return method_not_allowed();
}

// Verbs on a collection; a watch answers on the exchange.
async::Task<std::optional<Reply>> serve_collection(State& state, Call& call,
                                                   ServerExchange& exchange) {
  Try<Reply> out = method_not_allowed();
  if (call.method == "POST") {
    if (call.kind->namespaced && call.resource.name_space.empty()) {
      out = method_not_allowed();
    } else {
      out = co_await create_object(state, call);
    }
  } else if (call.method == "GET" || call.method == "DELETE") {
    auto options = parse_list_options(call.parameters);
    if (!options.ok()) {
      out = std::move(options.failure());
    } else if (call.method == "DELETE") {
      out = co_await delete_collection(state, call, *options);
    } else if (options->watch || call.resource.old_watch) {
      co_return co_await serve_watch(state, call, *options, exchange);
    } else {
      out = co_await list_objects(state, call, *options);
    }
  }
  if (!out.ok()) co_return failure_reply(out.failure(), call.pretty);
  co_return std::move(*out);
}

async::Task<std::optional<Reply>> serve_virtual(State& state, Call& call, const VirtualKind& kind) {
  Try<Reply> out = method_not_allowed();
  if (call.method == "POST" && call.resource.name.empty()) {
    if (std::string_view(kind.plural) == "bindings") {
      call.kind = call.registry->find("", "v1", "pods");
      out = co_await bind_pod(state, call);
    } else {
      out = serve_review(state, call, kind);
    }
  }
  if (!out.ok()) co_return failure_reply(out.failure(), call.pretty);
  co_return std::move(*out);
}

// nullopt: answered on the exchange already.
async::Task<std::optional<Reply>> serve_resource(State& state, Call& call,
                                                 ServerExchange& exchange) {
  const ResourcePath& at = call.resource;
  call.kind = call.registry->find(at.group, at.version, at.plural);
  if (call.kind == nullptr) {
    const VirtualKind* review = find_virtual(at.group, at.version, at.plural);
    if (review != nullptr) co_return co_await serve_virtual(state, call, *review);
    co_return failure_reply(no_such_resource(), call.pretty);
  }
  if (!call.kind->namespaced && !at.name_space.empty()) {
    co_return failure_reply(no_such_resource(), call.pretty);
  }
  if (!at.name.empty() && call.kind->namespaced && at.name_space.empty()) {
    co_return failure_reply(no_such_resource(), call.pretty);
  }
  if (call.kind->computed) {
    auto out = co_await serve_computed(state, call);
    if (!out.ok()) co_return failure_reply(out.failure(), call.pretty);
    co_return std::move(*out);
  }
  if (at.name.empty()) co_return co_await serve_collection(state, call, exchange);
  if (call.kind->collection == "pods" && at.subresource == "log") {
    if (call.method != "GET") co_return failure_reply(method_not_allowed(), call.pretty);
    co_return co_await serve_log(state, call, exchange);
  }
  auto out = co_await serve_object(state, call);
  if (!out.ok()) co_return failure_reply(out.failure(), call.pretty);
  co_return std::move(*out);
}

async::Task<std::optional<Reply>> route(State& state, Call& call, ServerExchange& exchange) {
  if (auto reply = serve_document(state, call)) co_return std::move(reply);
  auto path = parse_path(call.path);
  if (!path.has_value()) co_return plain_not_found();
  call.resource = std::move(*path);
  if (!has_group_version(*call.registry, call.resource.group, call.resource.version)) {
    co_return plain_not_found();
  }
  if (call.method == "HEAD" || call.method == "OPTIONS") {
    co_return failure_reply(method_not_allowed(), call.pretty);
  }
  co_return co_await serve_resource(state, call, exchange);
}

}  // namespace

async::Task<void> serve(State& state, Trust trust, ServerExchange& exchange) {
  const net::http::RequestHead& head = exchange.request();
  Call call{.loop = &exchange.loop(),
            .method = head.method,
            .path = std::string(head.path()),
            .parameters = parse_query(head.query()),
            .accept = std::string(head.headers.get("accept")),
            .content_type = std::string(head.headers.get("content-type")),
            .user_agent = std::string(head.headers.get("user-agent")),
            .if_none_match = std::string(head.headers.get("if-none-match"))};
  call.pretty = wants_pretty(head, call.parameters);
  call.outside = trust == Trust::kToken;
  const auto user = user_of(state, trust, head);
  if (!user.has_value() && !is_open_path(call.path)) {
    const Reply refused = failure_reply(unauthorized(), call.pretty);
    co_await send(exchange, refused, "");
    co_return;
  }
  if (user.has_value()) call.user = *user;
  call.registry = state.registry.current();
  if (call.method != "GET" && call.method != "HEAD") {
    auto body = co_await exchange.read_body(kMaxBodyBytes);
    if (!body.ok()) {
      const Failure failure = body.error().code() == Code::kOutOfRange
                                  ? too_large(kMaxBodyBytes)
                                  : bad_request(body.error().message());
      const Reply refused = failure_reply(failure, call.pretty);
      co_await send(exchange, refused, "");
      co_return;
    }
    call.body = std::move(*body);
  }
  std::optional<Reply> reply;
  try {
    reply = co_await route(state, call, exchange);
  } catch (const Json::exception& error) {
    // A shape that no check foresaw must not end the process for everyone else.
    reply = failure_reply(internal_error(error.what()), call.pretty);
  }
  if (!reply.has_value() || exchange.started()) co_return;
  if (call.outside && call.kind != nullptr) {
    const Status kept = co_await state.store->flushed(exchange.loop());
    if (!kept.ok()) reply = failure_reply(store_failure(kept, false), call.pretty);
  }
  const std::string warning = call.kind != nullptr ? call.kind->warning : std::string();
  co_await send(exchange, *reply, warning);
}

net::http::RefusalBody refusal_body(int status, std::string_view reason) {
  std::string name;
  for (const char c : reason) {
    if (c != ' ') name += c;
  }
  const Failure failure = make_failure(status, name, reason);
  return {.content_type = "application/json", .body = failure.status.dump()};
}

}  // namespace nacelle::kube::server
