// server_response.cc: the response side of ServerConnection.
#include "net/http/content_length.h"
#include "net/http1/server_connection.h"

namespace nacelle::net::http1 {

namespace {

async::Task<Status> ready(Status status) { co_return status; }

}  // namespace

// Whether the head that is being built announces the end of the connection. `whole` responses leave
// the unread body behind; a streaming handler may still read it.
bool ServerConnection::must_close(bool whole) const {
  if (close_ || !parsed_.keep_alive || context_->draining) return true;
  if (body_.done()) return false;
  // A client that waits for 100 Continue may send its body or not: nobody can tell what comes next.
  if (parsed_.expect_continue && !continue_sent_ && body_.untouched()) return true;
  return whole && body_.bytes_left().value_or(UINT64_MAX) > context_->config.max_drain_bytes;
}

Status ServerConnection::build_head(const http::ResponseHead& head, BodyFraming framing,
                                    bool whole) {
  close_ = must_close(whole);
  if (framing.kind == BodyKind::kUntilClose) close_ = true;
  omit_body_ = request_.method == "HEAD" || !http::status_allows_body(head.status);
  ResponseFraming wire;
  wire.body = framing;
  wire.close = close_;
  wire.keep_alive_http10 = !close_ && request_.version == http::Version::kHttp10;
  wire.date = context_->date.now();
  wire.server = context_->config.server_name;
  if (!http::status_allows_body(head.status)) {
    wire.body = {};
    wire.send_length = false;
  }
  response_body_ = framing;
  response_left_ = framing.length;
  head_bytes_.clear();
  return append_response_head(head_bytes_, head, wire);
}

async::Task<Status> ServerConnection::send(Gather pieces) {
  return stream_.write(pieces, context_->config.write_stall_timeout);
}

async::Task<Status> ServerConnection::respond(const http::ResponseHead& head,
                                              std::string_view body) {
  if (started()) return ready(failed_precondition("the request was answered already"));
  const BodyFraming framing{BodyKind::kLength, body.size()};
  if (Status built = build_head(head, framing, true); !built.ok()) return ready(std::move(built));
  phase_ = Phase::kFinished;
  Gather pieces;
  pieces.add(head_bytes_);
  if (!omit_body_) pieces.add(body);
  return send(pieces);
}

async::Task<Status> ServerConnection::start(const http::ResponseHead& head) {
  if (started()) return ready(failed_precondition("the request was answered already"));
  BodyFraming framing;
  if (const auto length = http::declared_length(head.headers); length.has_value()) {
    framing = {BodyKind::kLength, *length};
  } else if (request_.version == http::Version::kHttp10) {
    framing.kind = BodyKind::kUntilClose;
  } else {
    framing.kind = BodyKind::kChunked;
  }
  if (Status built = build_head(head, framing, false); !built.ok()) return ready(std::move(built));
  phase_ = Phase::kStreaming;
  head_pending_ = true;
  stream_.watch();  // a handler that has read only a part of the body wants to know, too
  post(&ServerConnection::flush_head);
  return ready(Status());
}

async::Task<Status> ServerConnection::write(std::string_view data) {
  if (phase_ != Phase::kStreaming) return ready(failed_precondition("no response is streaming"));
  Gather pieces;
  if (head_pending_) pieces.add(head_bytes_);
  head_pending_ = false;
  if (!omit_body_ && !data.empty()) {
    if (response_body_.kind == BodyKind::kChunked) {
      chunk_prefix_ = ChunkPrefix(data.size());
      pieces.add(chunk_prefix_.view());
      pieces.add(data);
      pieces.add(kChunkSuffix);
    } else {
      if (response_body_.kind == BodyKind::kLength) {
        if (data.size() > response_left_) {
          abort();
          return ready(internal("the response is longer than its Content-Length"));
        }
        response_left_ -= data.size();
      }
      pieces.add(data);
    }
  }
  return send(pieces);
}

async::Task<Status> ServerConnection::finish(std::string_view last) {
  if (phase_ != Phase::kStreaming) return ready(failed_precondition("no response is streaming"));
  Gather pieces;
  if (head_pending_) pieces.add(head_bytes_);
  head_pending_ = false;
  if (!omit_body_) {
    const bool chunked = response_body_.kind == BodyKind::kChunked;
    if (response_body_.kind == BodyKind::kLength && last.size() != response_left_) {
      abort();
      return ready(internal("the response differs in length from its Content-Length"));
    }
    if (!last.empty()) {
      if (chunked) {
        chunk_prefix_ = ChunkPrefix(last.size());
        pieces.add(chunk_prefix_.view());
      }
      pieces.add(last);
      if (chunked) pieces.add(kChunkSuffix);
    }
    if (chunked) pieces.add(kLastChunk);
  }
  phase_ = Phase::kFinished;
  return send(pieces);
}

async::Task<Status> ServerConnection::inform(const http::ResponseHead& head) {
  if (started()) return ready(failed_precondition("the request was answered already"));
  if (request_.version == http::Version::kHttp10) return ready(Status());
  head_bytes_.clear();
  ResponseFraming wire;
  wire.send_length = false;
  if (Status built = append_response_head(head_bytes_, head, wire); !built.ok()) {
    return ready(std::move(built));
  }
  Gather pieces;
  pieces.add(head_bytes_);
  return send(pieces);
}

void ServerConnection::post(void (ServerConnection::*step)()) {
  ++posted_;
  context_->loop.post([this, step] {
    --posted_;  // serve() keeps this object until the count is zero
    (this->*step)();
  });
}

// The handler began a response and its turn ended without a piece: the client gets the head now.
void ServerConnection::flush_head() {
  if (!head_pending_ || stream_.closed()) return;
  Gather pieces;
  pieces.add(head_bytes_);
  (void)stream_.try_write(pieces);  // a broken connection shows in the next write
  head_pending_ = !pieces.empty();
  if (head_pending_) head_bytes_.erase(0, head_bytes_.size() - pieces.total());
}

}  // namespace nacelle::net::http1
