#include "net/http/client_stream.h"

#include <utility>

#include "net/http/content_length.h"
#include "net/http2/client_call.h"

namespace nacelle::net::http {

namespace {
async::Task<Status> ready(Status status) { co_return status; }
}  // namespace

ClientStream::ClientStream(HttpClient& client)
    : pool_(client.pool2_), call_(std::make_unique<http2::ClientCall>(pool_)) {}
ClientStream::~ClientStream() = default;

async::Task<Status> ClientStream::start(const HostPort& address, const RequestHead& head,
                                        ClientOptions options, bool end) {
  std::optional<std::uint64_t> length;
  if (const auto text = head.headers.find("content-length"); text.has_value()) {
    length = parse_length(*text);
    if (!length) return ready(invalid_argument("Content-Length is not a number"));
  }
  if (Status built = call_->prepare(address, head, options, length); !built.ok()) {
    return ready(std::move(built));
  }
  return call_->open({}, end);
}

async::Task<Status> ClientStream::write(std::string_view data) { return call_->write(data, false); }
async::Task<Status> ClientStream::finish(std::string_view last) { return call_->write(last, true); }
async::Task<Status> ClientStream::read_head() { return call_->read_head(); }
ResponseHead& ClientStream::response() { return call_->response(); }
async::Task<Result<std::string_view>> ClientStream::read_chunk() { return call_->read_chunk(); }
async::Task<Result<std::string>> ClientStream::read_body(std::size_t limit) {
  return call_->read_body(limit);
}
const Headers& ClientStream::trailers() const { return call_->trailers(); }
void ClientStream::cancel() { call_->cancel(); }
const TlsInfo* ClientStream::tls() const { return call_->tls(); }
ClientStage ClientStream::stage() const { return call_->stage(); }
bool ClientStream::reused_connection() const { return call_->reused(); }

}  // namespace nacelle::net::http
