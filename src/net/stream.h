// stream.h: a connected byte stream with one read outstanding and gathered writes.
//
// A Stream keeps reading into its buffer whenever it is asked to watch, so that a peer that leaves
// is noticed at once and early bytes are kept. Writes try the socket first: in the usual case a
// write is one system call and never suspends. HTTP code knows connections only by this class,
// which is where TLS joins later.
//
// Home:    one loop. Not movable. settle() must be awaited before destruction.
// Errors:  cancelled when the peer is gone or close() was called; deadline_exceeded.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "async/deadline.h"
#include "async/loop.h"
#include "async/task.h"
#include "async/waiter.h"
#include "base/result.h"
#include "net/read_buffer.h"

namespace nacelle::net {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, async::Executor>;

// Up to eight pieces of memory that leave in one system call.
class Gather {
 public:
  void add(std::string_view bytes) {
    if (!bytes.empty()) {
      pieces_[end_++] = {const_cast<char*>(bytes.data()), bytes.size()};
      total_ += bytes.size();
    }
  }
  void consume(std::size_t count);
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool full() const { return end_ == pieces_.size(); }
  [[nodiscard]] std::size_t total() const { return total_; }
  [[nodiscard]] iovec* data() { return pieces_.data() + begin_; }
  [[nodiscard]] std::size_t count() const { return end_ - begin_; }

 private:
  std::array<iovec, 8> pieces_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t total_ = 0;
};

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

  // Tells the peer that no more bytes come.
  void shutdown_send();
  // Closes at once; whatever waits returns cancelled in a turn of its own.
  void close();
  // Waits until no operation refers to this object any more. Closes first.
  [[nodiscard]] async::Task<void> settle();

 private:
  void start_read();
  void on_read(const boost::system::error_code& error, std::size_t count);
  void set_end(End end);
  static void on_read_deadline(void* self);
  static void on_write_deadline(void* self);

  async::Loop& loop_;
  Socket socket_;
  ReadBuffer input_;
  async::Waiter input_waiter_;
  async::Deadline read_deadline_;
  async::Deadline write_deadline_;
  OnEnd on_end_;
  void* context_;
  std::uint64_t bytes_read_ = 0;
  std::size_t last_read_ = 0;
  std::uint32_t quick_writes_ = 0;  // since the last suspension
  End end_ = End::kOpen;
  bool reading_ = false;
  bool writing_ = false;
  bool settling_ = false;
  bool closed_ = false;
  bool timed_out_ = false;
  bool write_stalled_ = false;
};

}  // namespace nacelle::net
