// stream_io.h: one HTTP/2 stream as both sides need it: bytes in, bytes out, and how it ended.
//
// In:  DATA collects in `arriving_`, at most one stream window; read() hands it out whole and lets
//      the peer send more only when the next read shows that it was used.
// Out: write() lends its memory until nghttp2 framed it, as far as the peer's windows and the
//      connection's output bound allow; frames are copies, so giving up at any time is safe.
// Both: feed() lets a sink answer DATA in the turn in which it arrives. Its replies collect in
//      `replies_` and leave before what is lent. What it used is owed to the peer until then, so
//      the windows for unread bodies bound the replies, too.
//
// Home:    the session's loop. At most one coroutine reads and one writes.
// Errors:  cancelled when the stream or the connection ended, deadline_exceeded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "async/deadline.h"
#include "async/loop.h"
#include "async/task.h"
#include "async/waiter.h"
#include "base/result.h"
#include "net/http/body_sink.h"
#include "net/http/headers.h"

namespace nacelle::net::http2 {

class Session;

class StreamIo {
 public:
  // The connection was lost; other end codes are those of RST_STREAM.
  static constexpr std::uint32_t kConnectionLost = UINT32_MAX;

  explicit StreamIo(async::Loop& loop);
  virtual ~StreamIo();
  StreamIo(const StreamIo&) = delete;
  StreamIo& operator=(const StreamIo&) = delete;

  [[nodiscard]] std::int32_t id() const { return id_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::uint32_t end_code() const { return end_code_; }
  [[nodiscard]] bool remote_ended() const { return remote_ended_; }
  [[nodiscard]] bool local_ended() const { return local_ended_; }

 protected:
  friend class Session;

  // ---- called by the session

  // One field of a block, and the end of the block. `first`: it opened the stream or answers it.
  virtual void head_field(bool first, std::string_view name, std::string_view value) = 0;
  // False: the block breaks a rule, the stream is reset.
  [[nodiscard]] virtual bool head_done(bool first, bool end_stream) = 0;
  // The stream is closed; nghttp2 has forgotten it. Must not destroy the session.
  virtual void stream_closed() = 0;
  // All that was lent is framed.
  virtual void all_framed() {}

  // ---- for the owner

  // Ties this object to a stream of the session; from here on the session calls it.
  void attach(Session& session, std::int32_t id);
  // Ends the tie: resets the stream when it is open, gives back what was not read.
  void detach(std::uint32_t reset_code);
  // Makes the object ready for another stream.
  void clear();

  // The next piece; empty at the end of the body. Valid until the next read.
  [[nodiscard]] async::Task<Result<std::string_view>> read(Duration timeout);
  [[nodiscard]] async::Task<Result<std::string>> read_all(std::size_t limit, Duration timeout);

  // Gives what comes to `sink`: true once it left something, which the next read begins with; false
  // at the end of the body. `stall` is that of write(), for the replies.
  [[nodiscard]] async::Task<Result<bool>> feed(http::BodySink& sink, Duration timeout,
                                               Duration stall);

  // Ends the read() or feed() that waits, or else the next one that would wait, with kCancelled.
  void interrupt_read();

  // Sends a piece and, with `end`, ends the body. `stall` bounds the time without progress; then
  // the stream is reset. Ready at once when the peer's windows and the output bound have room.
  [[nodiscard]] async::Task<Status> write(std::string_view data, bool end, Duration stall);

  // The same in two parts: lends pieces before the head is submitted, and waits for them.
  void lend(std::span<const std::string_view> pieces, bool end);
  [[nodiscard]] async::Task<Status> wait_framed(Duration stall);
  // Copies what is lent and not framed, so that its owner may go.
  void keep_rest();
  // Fields that follow the body. Before the piece that ends it.
  void set_trailers(const http::Headers& trailers);

  [[nodiscard]] nghttp2_data_provider provider();
  [[nodiscard]] std::size_t lent_bytes() const { return lent_bytes_; }
  [[nodiscard]] bool has_input() const { return !arriving_.empty(); }
  void reset(std::uint32_t code);
  // Drops what comes and gives its window back to the connection.
  void discard_input();
  void give_back_handed();

  async::Loop& loop_;
  Session* session_ = nullptr;
  async::Waiter read_waiter_;
  async::Deadline read_deadline_;
  bool read_timed_out_ = false;
  bool read_interrupted_ = false;
  bool reset_on_purpose_ = false;  // a reset that is not to be counted against the peer
  bool reset_when_ended_ = false;  // RST_STREAM(NO_ERROR) once our end is out

 private:
  void take_data(std::string_view data);
  void take_remote_end();
  void take_close(std::uint32_t code);
  // True when the sink used all of `data`; else `data` is what it left.
  [[nodiscard]] bool offer(http::BodySink& sink, std::string_view& data);
  void watch_replies();
  void give_back_owed();
  // Copies of `replies_` what fits.
  std::size_t frame_replies(std::uint8_t* to, std::size_t size);
  [[nodiscard]] std::size_t unframed() const {
    return replies_.size() - replies_framed_ + lent_bytes_;
  }
  void resume();
  Status closed_status() const;
  async::Task<Status> wait_framed_slowly(Duration stall);
  static ssize_t read_lent(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source* source, void*);
  static void on_read_deadline(void* self);
  static void on_stall(void* self);

  // In the session's list of streams.
  StreamIo* prev_ = nullptr;
  StreamIo* next_ = nullptr;

  std::int32_t id_ = 0;
  std::string arriving_;
  std::string handed_;

  http::BodySink* sink_ = nullptr;  // while feed() waits
  std::string replies_;
  std::size_t replies_framed_ = 0;
  std::size_t owed_ = 0;  // bytes that the sink used and the peer has no window for yet
  Duration read_timeout_{};
  Duration reply_stall_{};
  bool left_ = false;           // the sink left something: feed() is to return
  bool heard_ = false;          // the sink took something since the read deadline was armed
  bool replies_newer_ = false;  // than the stall deadline

  std::vector<std::string_view> lent_;
  std::size_t next_lent_ = 0;
  std::size_t lent_bytes_ = 0;
  std::string kept_;
  http::Headers trailers_out_;
  async::Waiter write_waiter_;
  async::Deadline stall_deadline_;
  Duration stall_{};
  std::uint32_t end_code_ = 0;
  bool has_trailers_out_ = false;
  bool end_wanted_ = false;
  bool local_ended_ = false;
  bool remote_ended_ = false;
  bool closed_ = false;
  bool stalled_ = false;
  bool discarding_ = false;
  bool deferred_ = false;  // nghttp2 waits for resume()
};

// Turns fields into the form nghttp2 takes; it copies and lower-cases them. Values of fields that
// carry secrets are kept out of the compression tables.
void append_fields(std::vector<nghttp2_nv>& to, const http::Headers& headers);
void append_field(std::vector<nghttp2_nv>& to, std::string_view name, std::string_view value);

}  // namespace nacelle::net::http2
