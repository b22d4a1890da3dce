#include "net/http/client.h"

#include <utility>
#include <vector>

#include "net/http1/client_call.h"
#include "net/http1/client_pool.h"
#include "net/http2/client_call.h"
#include "net/http2/client_pool.h"

namespace nacelle::net::http {

namespace {
async::Task<Status> ready(Status status) { co_return status; }
}  // namespace

std::string_view to_string(ClientStage stage) {
  switch (stage) {
    case ClientStage::kIdle:
      return "idle";
    case ClientStage::kConnecting:
      return "connecting";
    case ClientStage::kSending:
      return "sending";
    case ClientStage::kAwaitingHead:
      return "awaiting_head";
    case ClientStage::kBody:
      return "body";
    case ClientStage::kDone:
      return "done";
  }
  return "unknown";
}

HttpClient::HttpClient(async::Loop& loop, HttpClientConfig config)
    : pool_(std::make_shared<http1::ClientPool>(loop, config)),
      pool2_(std::make_shared<http2::ClientPool>(loop, config, pool_)) {}
HttpClient::~HttpClient() {
  pool_->close_all();
  pool2_->close_all();
}
async::Loop& HttpClient::loop() { return pool_->loop(); }
std::size_t HttpClient::num_idle() const { return pool_->num_idle(); }
std::size_t HttpClient::num_http2_connections() const { return pool2_->num_connections(); }
void HttpClient::forget(const HostPort& address) {
  pool_->forget(address);
  pool2_->forget(address);
}

ClientExchange::ClientExchange(HttpClient& client)
    : call_(client.pool_->take_call()), pool2_(&client.pool2_) {
  call_->begin(client.pool_);
}

ClientExchange::~ClientExchange() {
  const std::shared_ptr<http1::ClientPool> pool = call_->end();
  pool->recycle(std::move(call_));
}

async::Task<Status> ClientExchange::send(const HostPort& address, const RequestHead& head,
                                         std::string_view body, ClientOptions options) {
  return send_chunks(address, head, {&body, 1}, options);
}

async::Task<Status> ClientExchange::send_chunks(const HostPort& address, const RequestHead& head,
                                                std::span<const std::string_view> body,
                                                ClientOptions options) {
  if (options.protocol == Protocol::kHttp2) return send_http2(address, head, body, options);
  if (Status built = call_->prepare(address, head, body, options); !built.ok()) {
    return ready(std::move(built));
  }
  return call_->run();
}

async::Task<Status> ClientExchange::send_stream(const HostPort& address, const RequestHead& head,
                                                BodySource& body,
                                                std::optional<std::uint64_t> length,
                                                ClientOptions options) {
  if (Status built = call_->prepare_stream(address, head, body, length, options); !built.ok()) {
    return ready(std::move(built));
  }
  return call_->run();
}

async::Task<Status> ClientExchange::send_http2(const HostPort& address, const RequestHead& head,
                                               std::span<const std::string_view> body,
                                               ClientOptions options) {
  call2_ = std::make_unique<http2::ClientCall>(*pool2_);
  std::size_t length = 0;
  for (std::string_view piece : body) length += piece.size();
  const bool bodiless = head.method == "GET" || head.method == "HEAD" || head.method == "DELETE" ||
                        head.method == "OPTIONS";
  std::optional<std::uint64_t> content_length;
  if (length > 0 || !bodiless) content_length = length;
  if (Status built = call2_->prepare(address, head, options, content_length); !built.ok()) {
    return ready(std::move(built));
  }
  return call2_->run({body.begin(), body.end()});
}

ResponseHead& ClientExchange::response() {
  return call2_ != nullptr ? call2_->response() : call_->response();
}
std::optional<std::uint64_t> ClientExchange::content_length() const {
  return call2_ != nullptr ? call2_->content_length() : call_->content_length();
}
async::Task<Result<std::string_view>> ClientExchange::read_chunk() {
  return call2_ != nullptr ? call2_->read_chunk() : call_->read_chunk();
}
std::optional<std::string_view> ClientExchange::ready_chunk() {
  return call2_ != nullptr ? std::nullopt : call_->ready_chunk();
}
async::Task<Result<std::string>> ClientExchange::read_body(std::size_t limit) {
  return call2_ != nullptr ? call2_->read_body(limit) : call_->read_body(limit);
}
void ClientExchange::set_read_idle_timeout(Duration timeout) {
  if (call2_ != nullptr) {
    call2_->set_read_idle_timeout(timeout);
  } else {
    call_->set_read_idle_timeout(timeout);
  }
}
const Headers& ClientExchange::trailers() const {
  static const Headers none;
  return call2_ != nullptr ? call2_->trailers() : none;
}
void ClientExchange::cancel() {
  if (call2_ != nullptr) {
    call2_->cancel();
  } else {
    call_->cancel();
  }
}
ClientStage ClientExchange::stage() const {
  return call2_ != nullptr ? call2_->stage() : call_->stage();
}
bool ClientExchange::reused_connection() const {
  return call2_ != nullptr ? call2_->reused() : call_->reused();
}
std::uint64_t ClientExchange::bytes_received() const {
  return call2_ != nullptr ? call2_->bytes_received() : call_->bytes_received();
}
const TlsInfo* ClientExchange::tls() const {
  return call2_ != nullptr ? call2_->tls() : call_->tls();
}

}  // namespace nacelle::net::http
