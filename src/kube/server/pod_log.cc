// pod_log.cc: logs of a container, from whoever runs it.
#include <fmt/format.h>

#include "kube/server/subresources.h"

namespace nacelle::kube::server {
namespace {

Failure log_options(const schema::Findings& findings) {
  return invalid("", "PodLogOptions", "", findings);
}

Try<PodLogQuery> read_query(const Call& call, const Json& pod) {
  PodLogQuery out{.pod = call.key(), .container = call.parameter("container")};
  out.follow = parse_bool(call.parameter("follow")).value_or(false);
  out.previous = parse_bool(call.parameter("previous")).value_or(false);
  out.timestamps = parse_bool(call.parameter("timestamps")).value_or(false);
  out.since_time = call.parameter("sinceTime");
  const auto number = [&](const char* name, std::optional<std::int64_t>& into, std::int64_t least,
                          const char* rule) -> std::optional<Failure> {
    const std::string text = call.parameter(name);
    if (text.empty()) return std::nullopt;
    into = parse_int(text);
    if (!into.has_value()) return bad_request(fmt::format("{} is no number: {}", name, text));
    if (*into >= least) return std::nullopt;
    return log_options({schema::invalid(name, *into, rule)});
  };
  if (auto f = number("tailLines", out.tail_lines, 0, "must be greater than or equal to 0"))
    return *f;
  if (auto f = number("sinceSeconds", out.since_seconds, 1, "must be greater than 0")) return *f;
  if (auto f = number("limitBytes", out.limit_bytes, 1, "must be greater than 0")) return *f;
  if (out.since_seconds.has_value() && !out.since_time.empty()) {
    return log_options({schema::forbidden("sinceSeconds",
                                          "at most one of `sinceTime` or `sinceSeconds` may be "
                                          "specified")});
  }
  std::vector<std::string> names;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& one : list_at(pod, {"spec", list})) names.emplace_back(text_at(one, {"name"}));
  }
  if (out.container.empty()) {
    const Json& containers = list_at(pod, {"spec", "containers"});
    if (containers.size() != 1) {
      std::string list;
      for (const Json& one : containers) {
        list += (list.empty() ? "" : " ") + std::string(text_at(one, {"name"}));
      }
      return bad_request(
          fmt::format("a container name must be specified for pod {}, choose one of: [{}]",
                      out.pod.name, list));
    }
    out.container = text_at(containers.front(), {"name"});
  }
  if (std::find(names.begin(), names.end(), out.container) == names.end()) {
    return bad_request(
        fmt::format("container {} is not valid for pod {}", out.container, out.pod.name));
  }
  return out;
}

Failure open_failure(const Status& status) {
  switch (status.code()) {
    case Code::kFailedPrecondition:
    case Code::kInvalidArgument:
      return bad_request(status.message());
    case Code::kNotFound:
      return make_failure(404, "NotFound", status.message());
    default:
      return internal_error(status.message());
  }
}

}  // namespace

async::Task<std::optional<Reply>> serve_log(State& state, const Call& call,
                                            net::http::ServerExchange& exchange) {
  const ObjectPtr pod = state.store->get("pods", call.key());
  if (pod == nullptr) {
    co_return failure_reply(not_found(*call.kind, call.resource.name), call.pretty);
  }
  auto query = read_query(call, pod->json);
  if (!query.ok()) co_return failure_reply(query.failure(), call.pretty);
  if (text_at(pod->json, {"spec", "nodeName"}).empty()) co_return Reply{.status = 204};
  if (state.options.pod_logs == nullptr) {
    co_return failure_reply(not_implemented("no node serves logs here"), call.pretty);
  }
  auto stream = co_await state.options.pod_logs->open(*call.loop, std::move(*query));
  if (!stream.ok()) co_return failure_reply(open_failure(stream.error()), call.pretty);
  net::http::ResponseHead head;
  head.headers.add("content-type", "text/plain");
  head.headers.add("cache-control", "no-cache, private");
  if (!(co_await exchange.start(head)).ok()) co_return std::nullopt;
  while (!exchange.client_gone() && !state.draining) {
    // Once a second at least, to see that the client left or the server stops.
    auto piece = co_await (*stream)->next(std::chrono::steady_clock::now() + 1s);
    if (!piece.ok()) break;
    if (!piece->has_value()) continue;
    if ((*piece)->empty()) break;
    const Status written = co_await exchange.write(**piece);
    if (!written.ok()) co_return std::nullopt;
  }
  (void)co_await exchange.finish();
  co_return std::nullopt;
}

}  // namespace nacelle::kube::server
