#include "cli/kube/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

constexpr std::size_t kMaxErrorBytes = 65536;
constexpr Duration kSilence = std::chrono::hours(24);  // a container may have nothing to say

const kube::Resource& pods() {
  static const kube::Resource kPods("", "v1", "pods");
  return kPods;
}

std::vector<std::string> containers_of(const Json& pod) {
  std::vector<std::string> out;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& each : kube::list_at(pod, {"spec", list})) {
      out.emplace_back(text_at(each, {"name"}));
    }
  }
  return out;
}

// The container that is meant when none is named; says so when there is a choice.
std::string choose(const Json& pod, const Terminal& terminal) {
  const std::vector<std::string> names = containers_of(pod);
  const std::string_view wished =
      text_at(pod, {"metadata", "annotations", "kubectl.kubernetes.io/default-container"});
  if (std::find(names.begin(), names.end(), wished) != names.end()) return std::string(wished);
  if (names.empty()) return "";
  if (names.size() > 1) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    terminal.err(fmt::format("Defaulted container \"{}\" out of: {}\n", names[0], all));
  }
  return names[0];
}

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "";
}

std::string flag(bool value) { return value ? "true" : ""; }

async::Task<Result<std::string>> read_error(kube::TransportAnswer& answer) {
  std::string out;
  while (out.size() < kMaxErrorBytes) {
    auto piece = co_await answer.read();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) break;
    out += *piece;
  }
  co_return out;
}

}  // namespace

async::Task<int> logs(Cluster& cluster, LogsOptions options, const Terminal& terminal) {
  for (const char* prefix : {"pod/", "pods/", "po/"}) {
    if (options.pod.starts_with(prefix)) {
      options.pod.erase(0, std::string_view(prefix).size());
      break;
    }
  }
  if (options.pod.find('/') != std::string::npos) {
    terminal.err("error: logs are of pods: `nacelle get pods` lists them\n");
    co_return 1;
  }
  kube::ObjectRef ref(pods(), cluster.name_space, options.pod);
  auto pod = co_await cluster.client->get(ref);
  if (!succeeded(pod)) {
    terminal.err(sentence(pod) + "\n");
    if (!pod.ok()) terminal.err(cluster.hint + "\n");
    co_return 1;
  }
  if (options.container.empty()) options.container = choose(pod->body, terminal);
  ref.subresource = "log";
  kube::Query query{
      {"container", options.container},     {"follow", flag(options.follow)},
      {"previous", flag(options.previous)}, {"timestamps", flag(options.timestamps)},
      {"tailLines", number(options.tail)},  {"sinceSeconds", number(options.since_seconds)}};
  kube::TransportRequest request;
  request.head.method = "GET";
  request.head.target = kube::with_query(kube::object_path(ref), query);
  request.head.headers.add("accept", "application/json, */*");
  request.head.headers.add("user-agent", "nacelle-cli");
  request.silence = kSilence;
  auto sent = co_await cluster.transport->send(std::move(request));
  if (!sent.ok()) {
    terminal.err("error: " + sent.error().message() + "\n" + cluster.hint + "\n");
    co_return 1;
  }
  kube::TransportAnswer& answer = **sent;
  const int status = answer.head().status;
  if (status == 204) {
    terminal.err("The pod has no node yet: there is nothing to read.\n");
    co_return 0;
  }
  if (status != 200) {
    auto text = co_await read_error(answer);
    if (!text.ok()) {
      terminal.err("error: " + text.error().message() + "\n");
      co_return 1;
    }
    const auto error = kube::parse_api_error(status, Json::parse(*text, nullptr, false));
    terminal.err(sentence(error) + "\n");
    co_return 1;
  }
  for (;;) {
    auto piece = co_await answer.read();
    if (!piece.ok()) {
      terminal.err("error: the log broke off: " + piece.error().message() + "\n");
      co_return 1;
    }
    if (piece->empty()) co_return 0;
    terminal.out(*piece);
  }
}

}  // namespace nacelle::cli
