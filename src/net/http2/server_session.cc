#include "net/http2/server_session.h"

#include <utility>

namespace nacelle::net::http2 {

ServerSession::ServerSession(http1::ServerContext& context, Stream& stream, const TcpEndpoint& peer)
    : Session(Side::kServer, stream, context.config.http2, context.config.write_stall_timeout),
      context_(context),
      peer_(peer),
      changed_(context.loop),
      idle_deadline_(context.loop, &ServerSession::on_idle, this),
      head_deadline_(context.loop, &ServerSession::on_slow_head, this),
      notice_deadline_(context.loop, &ServerSession::on_notice, this) {}

ServerSession::~ServerSession() = default;

async::Task<void> ServerSession::serve() {
  idle_deadline_.arm_after(context_.config.head_timeout);  // for the first request
  if (context_.draining) begin_drain();
  co_await run();
  idle_deadline_.disarm();
  head_deadline_.disarm();
  notice_deadline_.disarm();
  while (num_running_ > 0) (void)co_await changed_.wait();
  co_await settle();
}

// ---- streams

StreamIo* ServerSession::open_stream(std::int32_t) {
  // A handler outlives a stream that its client reset: without this bound a client could have any
  // number of them run.
  if (streams_.size() - spare_.size() >= context_.config.http2.max_concurrent_streams) {
    return nullptr;
  }
  idle_deadline_.disarm();
  if (spare_.empty()) {
    streams_.push_back(std::make_unique<ServerStream>(*this));
    spare_.push_back(streams_.back().get());
  }
  ServerStream* stream = spare_.back();
  spare_.pop_back();
  stream->begin_request();
  return stream;
}

void ServerSession::start_stream(ServerStream* stream) {
  ++num_running_;
  loop().spawn(ServerStream::serve(stream));
}

void ServerSession::release(ServerStream* stream) {
  stream->reuse();
  spare_.push_back(stream);
}

void ServerSession::handler_ended() {
  --num_running_;
  if (lost()) changed_.pulse();
}

void ServerSession::stream_ended() {
  head_deadline_.disarm();
  if (num_open() == 0 && !lost()) idle_deadline_.arm_after(context_.config.keep_alive_timeout);
}

void ServerSession::header_block(bool open) {
  if (open) {
    head_deadline_.arm_after(context_.config.head_timeout);
  } else {
    head_deadline_.disarm();
  }
}

// ---- ends

void ServerSession::begin_drain() {
  if (std::exchange(draining_, true)) return;
  (void)nghttp2_submit_shutdown_notice(raw());
  notice_deadline_.arm_after(context_.config.http2.shutdown_notice);
  ping();
}

void ServerSession::finish_drain() {
  if (!draining_ || lost() || std::exchange(drained_, true)) return;
  notice_deadline_.disarm();
  (void)nghttp2_submit_goaway(raw(), NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(raw()), NGHTTP2_NO_ERROR,
                              nullptr, 0);
  send_soon();
}

void ServerSession::on_idle(void* self) { static_cast<ServerSession*>(self)->begin_drain(); }

void ServerSession::on_slow_head(void* self) {
  static_cast<ServerSession*>(self)->terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void ServerSession::on_notice(void* self) { static_cast<ServerSession*>(self)->finish_drain(); }

}  // namespace nacelle::net::http2
