// client_upload.cc: the sending side of a ClientCall whose body comes from a BodySource.
#include "net/http1/chunked.h"
#include "net/http1/client_call.h"
#include "net/http1/serialize.h"

namespace nacelle::net::http1 {

Status ClientCall::prepare_stream(const HostPort& address, const http::RequestHead& head,
                                  http::BodySource& source, std::optional<std::uint64_t> length,
                                  const http::ClientOptions& options) {
  RETURN_IF_ERROR(prepare(address, head, {}, options));
  source_ = &source;
  source_length_ = length;
  head_bytes_.clear();
  const std::string host = head.headers.contains("host") ? std::string() : address.to_string();
  RETURN_IF_ERROR(append_request_head(head_bytes_, head, host, length));
  if (length) return {};
  head_bytes_.resize(head_bytes_.size() - 2);  // the empty line
  head_bytes_ += "transfer-encoding: chunked\r\n\r\n";
  return {};
}

async::Task<Status> ClientCall::send_source() {
  std::uint64_t sent_bytes = 0;
  source_begun_ = true;
  for (;;) {
    // A peer that answers before it has read all wants no more.
    if (!connection_->stream.input().empty()) {
      upload_cut_ = true;
      co_return Status();
    }
    Result<std::string_view> piece = co_await source_->next();
    if (!piece.ok()) {
      source_failed_ = true;
      co_return piece.error();
    }
    if (cancelled_) co_return cancelled("the request to {} was cancelled", address_.to_string());
    if (source_length_ && piece->size() > *source_length_ - sent_bytes) {
      source_failed_ = true;
      co_return internal("the body is longer than its declared length");
    }
    sent_bytes += piece->size();
    Gather pieces;
    const ChunkPrefix prefix(std::max<std::size_t>(1, piece->size()));
    if (piece->empty()) {
      if (source_length_ && sent_bytes != *source_length_) {
        source_failed_ = true;
        co_return internal("the body is shorter than its declared length");
      }
      if (!source_length_) pieces.add(kLastChunk);
    } else if (source_length_) {
      pieces.add(*piece);
    } else {
      pieces.add(prefix.view());
      pieces.add(*piece);
      pieces.add(kChunkSuffix);
    }
    const bool last = piece->empty();
    if (!pieces.empty()) {
      const Status sent = co_await connection_->stream.write(pieces, options_.write_timeout);
      if (sent.code() == Code::kDeadlineExceeded) {
        co_return deadline_exceeded("{} did not read the request in time", address_.to_string());
      }
      if (!sent.ok())
        co_return unavailable("sending to {}: {}", address_.to_string(), sent.message());
    }
    if (last) co_return Status();
  }
}

}  // namespace nacelle::net::http1
