#include "net/http/client.h"

#include <utility>

#include "net/http1/client_call.h"
#include "net/http1/client_pool.h"

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
    : pool_(std::make_shared<http1::ClientPool>(loop, config)) {}
HttpClient::~HttpClient() { pool_->close_all(); }
async::Loop& HttpClient::loop() { return pool_->loop(); }
std::size_t HttpClient::num_idle() const { return pool_->num_idle(); }
void HttpClient::forget(const HostPort& address) { pool_->forget(address); }

ClientExchange::ClientExchange(HttpClient& client) : call_(client.pool_->take_call()) {
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

ResponseHead& ClientExchange::response() { return call_->response(); }
std::optional<std::uint64_t> ClientExchange::content_length() const {
  return call_->content_length();
}
async::Task<Result<std::string_view>> ClientExchange::read_chunk() { return call_->read_chunk(); }
async::Task<Result<std::string>> ClientExchange::read_body(std::size_t limit) {
  return call_->read_body(limit);
}
void ClientExchange::cancel() { call_->cancel(); }
const TlsInfo* ClientExchange::tls() const { return call_->tls(); }
ClientStage ClientExchange::stage() const { return call_->stage(); }
bool ClientExchange::reused_connection() const { return call_->reused(); }
std::uint64_t ClientExchange::bytes_received() const { return call_->bytes_received(); }

}  // namespace nacelle::net::http
