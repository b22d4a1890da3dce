// session_callbacks.cc: what nghttp2 tells a Session, and the options it runs with.
#include <string_view>

#include "base/check.h"
#include "net/http2/session.h"

namespace nacelle::net::http2 {

struct Session::Callbacks {
  static Session& self(void* user) { return *static_cast<Session*>(user); }

  static StreamIo* io(nghttp2_session* session, std::int32_t id) {
    return static_cast<StreamIo*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static std::string_view text(nghttp2_rcbuf* buffer) {
    const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(bytes.base), bytes.len};
  }

  static bool is_first(const nghttp2_frame* frame) {
    return frame->headers.cat == NGHTTP2_HCAT_REQUEST ||
           frame->headers.cat == NGHTTP2_HCAT_RESPONSE;
  }

  // Frames that cost their sender nothing are counted before their content is looked at.
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    Session& session = self(user);
    session.useful_ = true;
    bool cheap = false;
    if (head->type != NGHTTP2_CONTINUATION) session.header_block(head->type == NGHTTP2_HEADERS);
    switch (head->type) {
      case NGHTTP2_DATA:
        cheap = head->length == 0 && (head->flags & NGHTTP2_FLAG_END_STREAM) == 0;
        if (!cheap) session.controls_.give(1);
        break;
      case NGHTTP2_SETTINGS:
      case NGHTTP2_PING:
        cheap = (head->flags & NGHTTP2_FLAG_ACK) == 0;
        break;
      case NGHTTP2_HEADERS:
      case NGHTTP2_CONTINUATION:
      case NGHTTP2_RST_STREAM:
      case NGHTTP2_GOAWAY:
        break;  // bounded otherwise; resets have a budget of their own
      default:
        cheap = true;  // PRIORITY, WINDOW_UPDATE, PUSH_PROMISE, unknown types
        break;
    }
    return cheap && !session.spend(session.controls_) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_begin_headers(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Session& session = self(user);
    const std::int32_t id = frame->hd.stream_id;
    ++session.num_open_;
    session.controls_.give(4);
    StreamIo* opened = session.open_stream(id);
    if (opened == nullptr) {
      (void)nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    opened->attach(session, id);
    (void)nghttp2_session_set_stream_user_data(raw, id, opened);
    // Our own scheduling: equal shares for all streams of a connection (RFC 9218, incremental).
    const nghttp2_extpri fair{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    (void)nghttp2_session_change_extpri_stream_priority(raw, id, &fair, 1);
    return 0;
  }

  static int on_header(nghttp2_session* raw, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                       nghttp2_rcbuf* value, std::uint8_t, void*) {
    StreamIo* stream = io(raw, frame->hd.stream_id);
    if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS) {
      stream->head_field(is_first(frame), text(name), text(value));
    }
    return 0;
  }

  // nghttp2 would drop such a field silently; a head that someone might read otherwise is refused.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*,
                               nghttp2_rcbuf*, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_frame(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
    Session& session = self(user);
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        session.header_block(false);
        if (StreamIo* stream = io(raw, frame->hd.stream_id); stream != nullptr) {
          if (!stream->head_done(is_first(frame), end)) {
            (void)nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                            NGHTTP2_PROTOCOL_ERROR);
          } else if (end) {
            stream->take_remote_end();
          }
        }
        break;
      case NGHTTP2_DATA:
        if (!end) break;
        if (StreamIo* stream = io(raw, frame->hd.stream_id); stream != nullptr) {
          stream->take_remote_end();
        }
        break;
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) session.settings_received();
        break;
      case NGHTTP2_GOAWAY:
        session.goaway_received();
        break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) session.ping_answered();
        break;
      case NGHTTP2_RST_STREAM:
        if (session.side_ == Side::kServer) {
          const StreamIo* stream = io(raw, frame->hd.stream_id);
          if ((stream == nullptr || !stream->local_ended()) && !session.spend(session.resets_)) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
          }
        }
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_data(nghttp2_session* raw, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    StreamIo* stream = io(raw, id);
    if (stream != nullptr) {
      stream->take_data({reinterpret_cast<const char*>(bytes), size});
    } else {
      (void)nghttp2_session_consume(self(user).raw(), id, size);
    }
    return 0;
  }

  static int on_frame_sent(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
    Session& session = self(user);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      // Streams that we are made to reset count against the peer like its own resets.
      const StreamIo* stream = io(raw, frame->hd.stream_id);
      const bool ours = frame->rst_stream.error_code == NGHTTP2_NO_ERROR ||
                        (stream != nullptr && stream->reset_on_purpose_);
      if (session.side_ == Side::kServer && !ours) (void)session.spend(session.resets_);
      return 0;
    }
    if (frame->hd.type == NGHTTP2_DATA && frame->hd.length > 0) {
      // Readers give window back twice (stream and connection), some for every 4 KiB they read.
      session.controls_.give(2 + static_cast<std::uint32_t>(frame->hd.length / 2048));
    }
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (StreamIo* stream = io(raw, frame->hd.stream_id); stream != nullptr) {
      stream->local_ended_ = true;
      stream->read_waiter_.post_resume();
      if (stream->reset_when_ended_ && !stream->remote_ended_) {
        (void)nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                        NGHTTP2_NO_ERROR);
      }
    }
    return 0;
  }

  // A head that nghttp2 could not send (too large): nothing of the message left.
  static int on_frame_not_sent(nghttp2_session* raw, const nghttp2_frame* frame, int, void*) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
      (void)nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                      NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
  }

  static int on_close(nghttp2_session* raw, std::int32_t id, std::uint32_t code, void* user) {
    Session& session = self(user);
    if (session.num_open_ > 0) --session.num_open_;
    if (StreamIo* stream = io(raw, id); stream != nullptr) stream->take_close(code);
    session.stream_ended();
    return 0;
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* table = nullptr;
    CHECK(nghttp2_session_callbacks_new(&table) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(table, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(table, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_close);
    return table;
  }

  static nghttp2_option* options(const http::Http2Limits& limits) {
    nghttp2_option* option = nullptr;
    CHECK(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, limits.max_pending_acks);
    nghttp2_option_set_max_settings(option, limits.max_settings_entries);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, limits.header_table_bytes);
    // Debian's 1.52 has the next two as security backports.
    nghttp2_option_set_max_continuations(option, limits.max_continuations);
    // Our own count of resets is the stricter one and says why.
    nghttp2_option_set_stream_reset_rate_limit(option, 2ull * limits.reset_burst + 1,
                                               2ull * limits.resets_per_second + 1);
    return option;
  }
};

void Session::begin(const http::Http2Limits& limits) {
  static nghttp2_session_callbacks* const table = Callbacks::make();
  nghttp2_option* option = Callbacks::options(limits);
  nghttp2_session* session = nullptr;
  if (side_ == Side::kServer) {
    CHECK(nghttp2_session_server_new2(&session, table, this, option) == 0);
  } else {
    CHECK(nghttp2_session_client_new2(&session, table, this, option) == 0);
  }
  nghttp2_option_del(option);
  session_.reset(session);

  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
       side_ == Side::kServer ? limits.max_concurrent_streams : 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits.header_table_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
  };
  // A server must not send ENABLE_PUSH = 1 and has no use for 0.
  const std::size_t count = std::size(settings) - (side_ == Side::kServer ? 1 : 0);
  CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, count) == 0);
  (void)nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                              static_cast<std::int32_t>(connection_window_));
}

}  // namespace nacelle::net::http2
