#include "kube/api_server.h"

#include <utility>

#include <fmt/format.h>

#include "kube/server/handler.h"
#include "kube/server/housekeeper.h"
#include "kube/server/identity.h"
#include "kube/server/listen_names.h"
#include "kube/server/state.h"
#include "kube/time.h"

namespace nacelle::kube {

struct ApiServer::Impl {
  explicit Impl(ApiServerOptions options) : state(std::move(options)) {}

  [[nodiscard]] Status open();
  [[nodiscard]] Status make_first_objects(async::Runtime& runtime);
  [[nodiscard]] Status listen(async::Runtime& runtime);

  server::State state;
  async::Loop* loop = nullptr;  // of the housekeeper
  std::unique_ptr<server::Housekeeper> housekeeper;
  std::unique_ptr<net::http::HttpServer> http;
  server::Identity identity;
  std::filesystem::path kubeconfig;
  std::string url;
};

Status ApiServer::Impl::open() {
  ASSIGN_OR_RETURN(state.service_addresses,
                   server::ServiceAddresses::create(state.options.service_range));
  StoreOptions store = state.options.store;
  store.folder = state.options.folder;
  ASSIGN_OR_RETURN(state.store, Store::open(std::move(store)));
  if (state.options.tls || state.options.serve_http) {
    std::vector<std::string> names = server::names_of_listener(state.options.address.host);
    names.insert(names.end(), state.options.names.begin(), state.options.names.end());
    ASSIGN_OR_RETURN(identity, server::load_identity(state.options.folder, names));
    state.ca_pem = identity.ca_pem;
    state.tokens =
        std::make_unique<const server::Tokens>(identity.admin_token, identity.signing_key);
  }
  state.registry.refresh(*state.store);
  return {};
}

namespace {

async::Task<Status> make_object(server::State& state, async::Loop& loop, Json object) {
  const std::string version(text_at(object, {"apiVersion"}));
  const std::string kind_name(text_at(object, {"kind"}));
  server::Call call{.loop = &loop, .user_agent = "nacelle"};
  call.registry = state.registry.current();
  call.kind = call.registry->find_kind(version, kind_name);
  if (call.kind == nullptr) co_return not_found("{} {} is no kind we serve", version, kind_name);
  const ObjectKey key = key_of(object);
  call.resource.name_space = key.name_space;
  call.resource.name = key.name;
  if (state.store->get(call.kind->collection, key) != nullptr) co_return Status();
  const server::WriteContext context = server::context_of(state, call, {});
  server::Decide decide = [&](const StoredObject* now) -> server::Try<server::Decision> {
    if (now != nullptr) return server::Decision{.object = now->json, .write = false};
    return server::decide_create(object, context);
  };
  auto stored = co_await server::write_decided(state, call, std::move(decide), false);
  if (stored.ok()) co_return Status();
  co_return failed_precondition("{} {}: {}", kind_name, key.to_string(),
                                text_at(stored.failure().status, {"message"}));
}

async::Task<Status> make_objects(server::State& state, async::Loop& loop, std::vector<Json> all) {
  for (Json& object : all) {
    CO_RETURN_IF_ERROR(co_await make_object(state, loop, std::move(object)));
  }
  co_return Status();
}

async::Task<Status> move_service(server::State& state, async::Loop& loop, ObjectKey key) {
  server::Call call{.loop = &loop, .user_agent = "nacelle"};
  call.registry = state.registry.current();
  call.kind = call.registry->find("", "v1", "services");
  call.resource.name_space = key.name_space;
  call.resource.name = key.name;
  server::Decide decide = [&](const StoredObject* now) -> server::Try<server::Decision> {
    if (now == nullptr) return server::not_found(*call.kind, key.name);
    server::Decision out{.object = now->json};
    Json& spec = out.object["spec"];
    spec["clusterIP"] = server::new_cluster_ip(state);
    spec["clusterIPs"] = Json::array({spec["clusterIP"]});
    return out;
  };
  auto stored = co_await server::write_decided(state, call, std::move(decide), false);
  if (stored.ok()) co_return Status();
  co_return failed_precondition("service {}: {}", key.to_string(),
                                text_at(stored.failure().status, {"message"}));
}

// Services with addresses of the range that this server had before get new ones.
async::Task<Status> move_services(server::State& state, async::Loop& loop) {
  ListQuery query;
  query.filter = [&state](const StoredObject& service) {
    return state.service_addresses->is_foreign(
        std::string(text_at(service.json, {"spec", "clusterIP"})));
  };
  const auto services = state.store->list("services", query);
  if (!services.ok()) co_return services.error();
  for (const ObjectPtr& service : services->items) {
    ObjectKey key = key_of(service->json);
    CO_RETURN_IF_ERROR(co_await move_service(state, loop, std::move(key)));
  }
  co_return Status();
}

}  // namespace

Status ApiServer::Impl::make_first_objects(async::Runtime& runtime) {
  std::vector<Json> all;
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    all.push_back({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
  }
  all.insert(all.end(), state.options.objects.begin(), state.options.objects.end());
  async::Loop& loop = runtime.loop(0);
  RETURN_IF_ERROR(async::run_blocking(loop, move_services(state, loop)));
  return async::run_blocking(loop, make_objects(state, loop, std::move(all)));
}

Status ApiServer::Impl::listen(async::Runtime& runtime) {
  net::http::HttpServerConfig config;
  config.address = state.options.address;
  if (state.options.tls) config.tls = identity.tls;
  const server::Trust trust = server::Trust::kToken;
  server::State* shared = &state;
  ASSIGN_OR_RETURN(http, net::http::HttpServer::bind(
                             runtime, config,
                             [shared, trust](net::http::ServerExchange& exchange) {
                               return server::serve(*shared, trust, exchange);
                             },
                             server::refusal_body));
  net::HostPort here = state.options.address;
  here.port = http->port();
  if (server::is_any_address(here.host)) here.host = "127.0.0.1";
  state.server_address = here.to_string();
  url = fmt::format("{}://{}", state.options.tls ? "https" : "http", state.server_address);
  kubeconfig = state.options.folder / "kubeconfig";
  RETURN_IF_ERROR(server::write_kubeconfig(
      kubeconfig, url, state.options.tls ? state.ca_pem : std::string(), identity.admin_token));
  return http->listen();
}

Result<std::unique_ptr<ApiServer>> ApiServer::start(async::Runtime& runtime,
                                                    ApiServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->open());
  RETURN_IF_ERROR(impl->make_first_objects(runtime));
  if (impl->state.options.serve_http) RETURN_IF_ERROR(impl->listen(runtime));
  impl->loop = &runtime.next_loop();
  impl->housekeeper = std::make_unique<server::Housekeeper>(impl->state, *impl->loop);
  impl->loop->post([keeper = impl->housekeeper.get()] { keeper->start(); });
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;

net::http::Handler ApiServer::handler() {
  return [state = &impl_->state](net::http::ServerExchange& exchange) {
    return server::serve(*state, server::Trust::kCaller, exchange);
  };
}

std::uint16_t ApiServer::port() const { return impl_->http == nullptr ? 0 : impl_->http->port(); }
std::string ApiServer::url() const { return impl_->url; }
const std::filesystem::path& ApiServer::kubeconfig() const { return impl_->kubeconfig; }
Store& ApiServer::store() { return *impl_->state.store; }

namespace {

async::Task<void> stop_on(server::Housekeeper& keeper, std::shared_ptr<async::Mailbox<bool>> done) {
  co_await keeper.stop();
  (void)done->post(true);
}

}  // namespace

async::Task<void> ApiServer::stop() {
  impl_->state.draining = true;
  impl_->state.store->cancel_subscriptions();
  async::Loop* here = async::Loop::current();
  CHECK(here != nullptr);
  if (impl_->http != nullptr) {
    (void)co_await impl_->http->drain(std::chrono::steady_clock::now() + 3s);
  }
  auto done = std::make_shared<async::Mailbox<bool>>(*here, 1);
  impl_->loop->spawn(stop_on(*impl_->housekeeper, done));
  std::vector<bool> messages;
  (void)co_await done->receive(messages);
}

}  // namespace nacelle::kube
