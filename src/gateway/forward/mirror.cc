// mirror.cc: copies of requests whose answers nobody waits for.
#include "gateway/forwarder.h"
#include "gateway/header_rules.h"

namespace nacelle::gateway {
namespace {

// Everything that a mirrored request needs; nothing of it belongs to the client's.
struct MirroredRequest {
  std::shared_ptr<GatewayShared> shared;  // whose budget the share is of
  std::shared_ptr<net::http::HttpClient> client;
  std::shared_ptr<std::uint32_t> count;
  SnapshotPtr snapshot;
  net::HostPort address;
  Cluster::Tls tls;
  bool http2 = false;
  net::http::RequestHead head;
  std::string body;
  ByteBudget::Share share;
  std::unique_ptr<PickedEndpoint> picked;
};

async::Task<void> send_mirrored(std::unique_ptr<MirroredRequest> mirrored) {
  {
    net::http::ClientOptions options;
    options.tls = mirrored->tls;
    if (mirrored->http2) options.protocol = net::http::Protocol::kHttp2;
    options.connect_timeout = 2s;
    options.head_timeout = 60s;
    options.read_idle_timeout = 60s;
    net::http::ClientExchange exchange(*mirrored->client);
    const Status sent =
        co_await exchange.send(mirrored->address, mirrored->head, mirrored->body, options);
    while (sent.ok()) {
      const auto piece = co_await exchange.read_chunk();
      if (!piece || piece->empty()) break;
    }
    if (!sent.ok()) mirrored->picked->on_failure();
  }
  --*mirrored->count;
}

}  // namespace

void Forwarder::mirror(Request& request) {
  for (const MirrorConfig& config : request.rule->config->mirrors) {
    if (config.numerator < config.denominator && random_() % config.denominator >= config.numerator)
      continue;
    auto mirrored = std::make_unique<MirroredRequest>();
    Cluster& cluster = *request.snapshot->clusters[config.cluster];
    mirrored->share = ByteBudget::Share(shared_.held_bytes);
    auto picked = cluster.picker->pick({request.facts.model}, {});
    auto address =
        picked ? net::parse_host_port((*picked)->address()) : Result<net::HostPort>(picked.error());
    if (!address || *mirrors_ >= kMaxMirrors || !mirrored->share.grow(request.body.size())) {
      shared_.metrics.mirrors_dropped.increment();
      continue;
    }
    mirrored->shared = shared_owner_;
    mirrored->client = client_;
    mirrored->count = mirrors_;
    mirrored->snapshot = request.snapshot;
    mirrored->address = *address;
    mirrored->tls = cluster.tls;
    mirrored->http2 = cluster.config.http2;
    mirrored->picked = std::move(*picked);
    mirrored->body = request.body;
    mirrored->head.method = request.exchange.request().method;
    mirrored->head.target = request.exchange.request().target;
    mirrored->head.headers = request.exchange.request().headers;
    ForwardedBy by;
    by.peer_ip = request.record.peer;
    by.scheme = request.tls ? "https" : "http";
    by.request_id = request.record.request_id;
    prepare_request_headers(mirrored->head.headers, by);
    ++*mirrors_;
    shared_.metrics.mirrors.increment();
    loop_.spawn(send_mirrored(std::move(mirrored)));
  }
}

}  // namespace nacelle::gateway
