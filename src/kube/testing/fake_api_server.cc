#include "kube/testing/fake_api_server.h"

#include <algorithm>

#include <fmt/format.h>

namespace nacelle::kube::testing {
namespace {

// The value of a query parameter, percent codes left alone but for those our client writes.
std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size()) {
      return std::string(pair.substr(name.size() + 1));
    }
  }
  return {};
}

std::uint64_t number(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

std::string expired() {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
         R"("message":"too old resource version","reason":"Expired","code":410})";
}

std::string not_found() {
  return R"({"kind":"Status","status":"Failure","reason":"NotFound","code":404})";
}

// "/api/v1/namespaces/ns/pods/a", but not the collection.
bool names_an_object(std::string_view path) {
  const auto slashes = std::count(path.begin(), path.end(), '/');
  return path.find("/namespaces/") != std::string_view::npos &&
         slashes > (path.starts_with("/apis/") ? 6 : 5);
}

async::Task<void> answer(net::http::ServerExchange& exchange, int status, std::string body) {
  net::http::ResponseHead head;
  head.status = status;
  head.headers.add("content-type", "application/json");
  (void)co_await exchange.respond(head, body);
}

}  // namespace

FakeApiServer::FakeApiServer()
    : fixture_(std::make_unique<net::testing::ServerFixture>(
          [this](net::http::ServerExchange& exchange) { return serve(this, exchange); })),
      changed_(std::make_unique<async::Event>(fixture_->loop())),
      activity_(std::make_unique<async::Event>(fixture_->loop())) {}

FakeApiServer::~FakeApiServer() {
  const auto close = [](FakeApiServer* self) -> async::Task<void> {
    self->closing_ = true;
    self->changed_->pulse();
    co_return;
  };
  fixture_->run(close(this));
  (void)fixture_->drain(1s);
  fixture_.reset();
}

void FakeApiServer::record(const std::string& collection, std::string_view type,
                           const Json& object) {
  history_.push_back(
      {version_, collection, Json{{"type", type}, {"object", object}}.dump() + "\n"});
  changed_->pulse();
}

void FakeApiServer::put(const std::string& collection, Json object) {
  const std::string name(text_at(object, {"metadata", "name"}));
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  Collection& all = collections_[collection];
  const bool known = all.contains(name);
  all[name] = object;
  record(collection, known ? "MODIFIED" : "ADDED", object);
}

void FakeApiServer::remove(const std::string& collection, const std::string& name) {
  Json object = collections_[collection].at(name);
  collections_[collection].erase(name);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  record(collection, "DELETED", object);
}

void FakeApiServer::bookmark(const std::string& collection) {
  ++version_;
  record(collection, "BOOKMARK",
         Json{{"metadata", {{"resourceVersion", std::to_string(version_)}}}});
}

void FakeApiServer::answer_next(int status, std::string body, int times) {
  if (times < 0) scripted_.clear();
  for (int i = 0; i < times; ++i) scripted_.push_back({status, body});
}
void FakeApiServer::break_watches() {
  ++break_round_;
  changed_->pulse();
}
void FakeApiServer::end_watches() {
  ++end_round_;
  changed_->pulse();
}
void FakeApiServer::spoil_watches(std::string raw) {
  ++spoil_round_;
  spoil_ = std::move(raw);
  changed_->pulse();
}

async::Task<void> FakeApiServer::serve(FakeApiServer* self, net::http::ServerExchange& exchange) {
  self->requests_.push_back(exchange.request().target);
  self->activity_->pulse();
  if (!self->scripted_.empty()) {
    const Scripted next = self->scripted_.front();
    self->scripted_.pop_front();
    co_await answer(exchange, next.status, next.body);
    co_return;
  }
  const std::string path(exchange.request().path());
  const std::string query(exchange.request().query());
  if (exchange.request().method != "GET") {
    co_await self->write(exchange);
    co_return;
  }
  if (names_an_object(path)) {
    const std::size_t slash = path.rfind('/');
    const Json* one = self->object(path.substr(0, slash), path.substr(slash + 1));
    const std::string text = one == nullptr ? not_found() : one->dump();
    co_await answer(exchange, one == nullptr ? 404 : 200, text);
    co_return;
  }
  if (parameter(query, "watch") == "true") {
    co_await self->watch(path, query, exchange);
  } else {
    co_await self->list(path, query, exchange);
  }
}

async::Task<void> FakeApiServer::list(const std::string& path, std::string_view query,
                                      net::http::ServerExchange& exchange) {
  const std::string from = parameter(query, "continue");
  const std::uint64_t limit = number(parameter(query, "limit"));
  Json out{{"kind", "List"}, {"items", Json::array()}};
  out["metadata"]["resourceVersion"] = std::to_string(version_);
  for (const auto& [name, object] : collections_[path]) {
    if (!from.empty() && name <= from) continue;
    if (limit > 0 && out["items"].size() == limit) {
      out["metadata"]["continue"] = text_at(out["items"].back(), {"metadata", "name"});
      break;
    }
    out["items"].push_back(object);
  }
  co_await answer(exchange, 200, out.dump());
}

async::Task<void> FakeApiServer::watch(std::string path, std::string_view query,
                                       net::http::ServerExchange& exchange) {
  std::uint64_t from = number(parameter(query, "resourceVersion"));
  net::http::ResponseHead head;
  head.headers.add("content-type", "application/json");
  (void)co_await exchange.start(head);
  if (from < oldest_) {
    const std::string line = R"({"type":"ERROR","object":)" + expired() + "}\n";
    (void)co_await exchange.finish(line);
    co_return;
  }
  (void)co_await exchange.write("");
  const std::uint64_t breaks = break_round_;
  const std::uint64_t ends = end_round_;
  const std::uint64_t spoils = spoil_round_;
  ++open_watches_;
  activity_->pulse();
  while (!closing_ && !exchange.client_gone()) {
    std::string lines;
    for (const Event& event : history_) {
      if (event.version <= from || event.collection != path) continue;
      lines += event.line;
      from = event.version;
    }
    if (spoils != spoil_round_) lines += spoil_;
    if (!lines.empty()) {
      if (const Status sent = co_await exchange.write(lines); !sent.ok()) break;
    }
    if (breaks != break_round_) {
      exchange.abort();
      break;
    }
    if (ends != end_round_ || spoils != spoil_round_) break;
    exchange.on_client_gone([this] { changed_->pulse(); });
    (void)co_await changed_->wait();
  }
  exchange.on_client_gone({});
  --open_watches_;
  activity_->pulse();
  (void)co_await exchange.finish();
}

}  // namespace nacelle::kube::testing
