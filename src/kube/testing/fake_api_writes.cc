#include "kube/testing/fake_api_server.h"

namespace nacelle::kube::testing {
namespace {

Json failure(int code, const char* reason) {
  return {{"kind", "Status"}, {"status", "Failure"}, {"code", code}, {"reason", reason}};
}

}  // namespace

const Json* FakeApiServer::object(const std::string& collection, const std::string& name) const {
  const auto all = collections_.find(collection);
  if (all == collections_.end()) return nullptr;
  const auto found = all->second.find(name);
  return found == all->second.end() ? nullptr : &found->second;
}

std::pair<int, Json> FakeApiServer::written(const std::string& method, const std::string& path,
                                            Json object) {
  if (method == "POST") {
    const std::string name(text_at(object, {"metadata", "name"}));
    if (this->object(path, name) != nullptr) return {409, failure(409, "AlreadyExists")};
    constexpr std::string_view kSpace = "/namespaces/";
    const std::size_t space = path.find(kSpace);
    if (space != std::string::npos) {
      const std::string rest = path.substr(space + kSpace.size());
      object["metadata"]["namespace"] = rest.substr(0, rest.find('/'));
    }
    object["metadata"]["uid"] = "uid-" + std::to_string(version_ + 1);
    put(path, std::move(object));
    return {201, *this->object(path, name)};
  }
  const std::size_t slash = path.rfind('/');
  const std::string collection = path.substr(0, slash), name = path.substr(slash + 1);
  const Json* known = this->object(collection, name);
  if (known == nullptr) return {404, failure(404, "NotFound")};
  if (method == "DELETE") {
    remove(collection, name);
    return {200, {{"kind", "Status"}, {"status", "Success"}}};
  }
  if (method != "PUT") return {405, failure(405, "MethodNotAllowed")};
  const std::string_view version = version_of(object);
  if (!version.empty() && version != version_of(*known)) return {409, failure(409, "Conflict")};
  put(collection, std::move(object));
  return {200, *this->object(collection, name)};
}

async::Task<void> FakeApiServer::write(net::http::ServerExchange& exchange) {
  auto body = co_await exchange.read_body(std::size_t{1} << 20);
  Json object = Json::parse(body.ok() ? *body : std::string(), nullptr, false);
  const std::string method = exchange.request().method;
  const std::string path(exchange.request().path());
  ++writes_;
  auto [status, answer] = written(method, path, std::move(object));
  net::http::ResponseHead head;
  head.status = status;
  head.headers.add("content-type", "application/json");
  const std::string text = answer.dump();
  (void)co_await exchange.respond(head, text);
  activity_->pulse();
}

}  // namespace nacelle::kube::testing
