// session.h: one HTTP/2 connection over a net::Stream: frames in, frames out, bounds.
//
//   socket -> receive() -> nghttp2 -> StreamIo of each stream
//   StreamIo::write -> send_soon() -> frames -> output_ (bounded) -> one send at the turn's end
//
// Frames of all streams that are ready in one turn of the loop leave in one system call. When the
// socket is full, a writer coroutine waits for it; streams then wait for room in the output.
//
// Home:    the stream's loop. run() must return before destruction.
// Bounds:  Http2Limits. A peer that passes a flood bound gets GOAWAY(ENHANCE_YOUR_CALM).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "async/deadline.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "net/http/http2_limits.h"
#include "net/http2/stream_io.h"
#include "net/http2/token_bucket.h"
#include "net/stream.h"

namespace nacelle::net::http2 {

// What a client sends first.
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Session {
 public:
  enum class Side : std::uint8_t { kServer, kClient };

  Session(Side side, Stream& stream, const http::Http2Limits& limits, Duration write_stall);
  virtual ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] nghttp2_session* raw() { return session_.get(); }
  [[nodiscard]] Stream& stream() { return stream_; }
  [[nodiscard]] async::Loop& loop() { return stream_.loop(); }
  [[nodiscard]] bool lost() const { return lost_; }

  // Frames what is ready and sends it at the end of this turn.
  void send_soon();
  void consume(std::int32_t id, std::size_t bytes);
  void reset(std::int32_t id, std::uint32_t code);
  // Runs step(argument) in a turn of its own; run() returns only after it.
  void post(void (*step)(void*), void* argument);

  // Ends the connection with a GOAWAY; streams that are open are lost.
  void terminate(std::uint32_t code);

 protected:
  friend class StreamIo;

  // Serves until the connection ended; then every stream was told.
  [[nodiscard]] async::Task<void> run();
  // Waits until nothing refers to this object any more. After run().
  [[nodiscard]] async::Task<void> settle();
  // Ends the connection once what is framed has left: half-closes, waits for the peer to close.
  void end_gracefully();
  // Sends a PING; ping_answered() comes when the peer answered it.
  void ping();

  // The peer opened a stream: the object for it, or nullptr to refuse it.
  virtual StreamIo* open_stream(std::int32_t id) = 0;
  virtual void stream_ended() {}  // any stream closed, attached or not
  virtual void settings_received() {}
  virtual void goaway_received() {}
  virtual void ping_answered() {}
  // A header block begins to arrive, or the connection is past it.
  virtual void header_block(bool open) { (void)open; }

  [[nodiscard]] std::size_t num_open() const { return num_open_; }
  void count_opened() { ++num_open_; }

 private:
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  struct Callbacks;  // static functions that nghttp2 calls

  void receive();
  void flush();
  void pump();
  void begin(const http::Http2Limits& limits);
  [[nodiscard]] bool over();
  void drop_streams();
  void link(StreamIo& io);
  void unlink(StreamIo& io);
  // Spends from a flood budget; remembers the violation when it is used up.
  bool spend(TokenBucket& bucket);
  async::Task<void> write_rest();
  static void on_linger(void* self);

  Stream& stream_;
  const Side side_;
  const std::size_t max_output_bytes_;
  const std::size_t max_queued_frames_;
  const std::uint32_t connection_window_;
  const Duration write_stall_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  SteadyClock clock_;
  TokenBucket resets_;
  TokenBucket controls_;
  StreamIo* first_ = nullptr;
  std::size_t num_open_ = 0;  // streams that nghttp2 knows
  std::string output_;        // framed, not yet given to the kernel
  std::string sending_;       // what the writer waits to send
  async::Deadline linger_deadline_;
  std::size_t lingered_bytes_ = 0;
  std::size_t ignored_bytes_ = 0;  // of reads without use, not paid for yet
  std::uint32_t posted_ = 0;
  std::uint32_t violation_ = 0;  // the code to end with
  bool useful_ = false;          // what arrived last was not all ignored
  bool inside_ = false;          // nghttp2 is on the stack: it must not be entered again
  bool flush_posted_ = false;
  bool writing_ = false;
  bool terminated_ = false;
  bool lingering_ = false;
  bool lost_ = false;
};

}  // namespace nacelle::net::http2
