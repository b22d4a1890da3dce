// stream.h: a connected byte stream with one read outstanding and gathered writes.
//
// A Stream keeps reading into its buffer whenever it is asked to watch, so that a peer that leaves
// is noticed at once and early bytes are kept. Writes try the socket first: in the usual case a
// write is one system call and never suspends. HTTP code knows connections only by this class.
//
// After handshake() the same calls speak TLS. What differs then: bytes_read() and the buffer count
// plain text; try_write() may keep one encrypted record that the socket did not take (it leaves by
// itself, and before anything else); an end of the connection without close_notify is kBroken.
//
// Home:    one loop. Not movable. settle() must be awaited before destruction.
// Errors:  cancelled when the peer is gone or close() was called; deadline_exceeded.
// Bounds:  the read buffer's capacity; with TLS two records more (one each way).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "async/deadline.h"
#include "async/loop.h"
#include "async/task.h"
#include "async/waiter.h"
#include "base/result.h"
#include "net/gather.h"
#include "net/read_buffer.h"
#include "net/socket_read.h"

namespace nacelle::net {

class TlsSession;
struct TlsInfo;

class Stream {
 public:
  enum class End : std::uint8_t { kOpen, kEof, kBroken };  // of what the peer sends

  // `on_end(context)` is called once when the peer ended or reset the stream (not for our own
  // close()): from the loop, before a coroutine that waits in more_input() continues.
  using OnEnd = void (*)(void* context);

  Stream(async::Loop& loop, Socket socket, OnEnd on_end, void* context);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] async::Loop& loop() { return loop_; }
  [[nodiscard]] ReadBuffer& input() { return input_; }
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  // Size of the last read: bulk data comes in large ones.
  [[nodiscard]] std::size_t last_read() const { return last_read_; }

  // Makes this a TLS stream before anything was read or written. Returns when both sides have
  // finished. Errors: unavailable with the reason; deadline_exceeded; cancelled after close().
  // Whatever the error, the stream is then of no use but to settle.
  [[nodiscard]] async::Task<Status> handshake(std::unique_ptr<TlsSession> session,
                                              TimePoint deadline);
  // What the handshake agreed on; nullptr for a plain stream.
  [[nodiscard]] const TlsInfo* tls() const;
  [[nodiscard]] const TlsSession* tls_session() const { return tls_.get(); }

  // Keeps a read outstanding from now on, so that the peer's end is noticed, until the buffer is
  // full. An empty buffer shrinks to kSmall. Unread bytes do not move.
  void watch();

  // Waits until more bytes arrived than are unread now. False at the end of the stream (see
  // end()). `capacity` is what the buffer grows to when it has no room.
  // Errors: deadline_exceeded; out_of_range when `capacity` is full; cancelled after close().
  [[nodiscard]] async::Task<Result<bool>> more_input(TimePoint deadline,
                                                     std::size_t capacity = ReadBuffer::kSmall);

  // Sends what the socket takes at once and removes it from `pieces`. Never suspends.
  Status try_write(Gather& pieces);
  // Sends all. `stall_timeout` bounds the time without progress; zero means no bound.
  [[nodiscard]] async::Task<Status> write(Gather pieces, Duration stall_timeout);
  // What write() does after a try_write() that left something.
  [[nodiscard]] async::Task<Status> write_rest(Gather pieces, Duration stall_timeout);

  // Tells the peer that no more bytes come (close_notify, then FIN).
  void shutdown_send();
  // Closes at once; whatever waits returns cancelled in a turn of its own. kAbrupt leaves out
  // close_notify, so that a TLS peer sees a truncated stream and not a complete one.
  enum class Close : std::uint8_t { kAbrupt, kOrderly };
  void close(Close how = Close::kAbrupt);
  // Waits until no operation refers to this object any more. Closes first, in order.
  [[nodiscard]] async::Task<void> settle();

 private:
  void start_read();
  static void on_read(void* self, const boost::system::error_code& error, std::size_t count);
  void took(std::size_t count);
  void wake_reader();
  [[nodiscard]] bool unsent() const;  // encrypted bytes that the socket did not take
  // stream_tls.cc
  void start_tls_read();
  void on_tls_readable();
  Status try_write_tls(Gather& pieces);
  void flush_later();
  void on_tls_writable();
  async::Task<Status> shake_hands(TimePoint deadline);
  void end_handshake();
  static void on_read_deadline(void* self);
  static void on_write_deadline(void* self);

  async::Loop& loop_;
  Socket socket_;
  SocketRead read_;
  ReadBuffer input_;
  async::Waiter input_waiter_;
  async::Deadline read_deadline_;
  async::Deadline write_deadline_;
  OnEnd on_end_;
  void* context_;
  std::unique_ptr<TlsSession> tls_;  // null = plain
  std::uint64_t bytes_read_ = 0;
  std::size_t last_read_ = 0;
  std::uint32_t quick_writes_ = 0;  // since the last suspension
  End end_ = End::kOpen;
  bool reading_ = false;
  bool writing_ = false;
  bool flushing_ = false;  // waits by itself to send what TLS keeps
  bool handshaking_ = false;
  bool tls_drained_ = true;    // the last read left nothing that TLS could decrypt by itself
  bool shutdown_due_ = false;  // FIN follows what TLS keeps
  bool settling_ = false;
  bool closed_ = false;
  bool timed_out_ = false;
  bool write_stalled_ = false;
};

}  // namespace nacelle::net
