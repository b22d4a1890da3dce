#include "net/socket_read.h"

#include <sys/socket.h>

#include <random>
#include <thread>

#include <gtest/gtest.h>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "async/runtime.h"
#include "net/stream.h"

namespace nacelle::net {
namespace {

// A socket of the loop and a plain one at its other end.
struct Ends {
  explicit Ends(async::Loop& loop) : near(loop.executor()) {
    namespace ip = boost::asio::ip;
    boost::asio::basic_socket_acceptor<ip::tcp, async::Executor> acceptor(
        loop.executor(), ip::tcp::endpoint(ip::address_v4::loopback(), 0));
    near.connect(acceptor.local_endpoint());
    Socket accepted = acceptor.accept();
    far = accepted.release();
  }
  ~Ends() { close(); }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(far, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0);
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void close() {
    if (far >= 0) ::close(far);
    far = -1;
  }

  Socket near;
  int far = -1;
};

struct Received {
  std::string bytes;
  Status status;
};

async::Task<Received> receive_all(Ends* ends, std::size_t capacity) {
  Received received;
  {
    Stream stream(*async::Loop::current(), std::move(ends->near), nullptr, nullptr);
    for (;;) {
      const Result<bool> more = co_await stream.more_input(async::kNoDeadline, capacity);
      if (!more.ok()) received.status = more.error();
      if (!more.ok() || !*more) break;
      received.bytes += stream.input().unread();
      stream.input().consume(stream.input().size());
    }
    co_await stream.settle();
  }
  co_return received;
}

TEST(SocketRead, AnEndThatCameWithTheBytesIsNoticed) {
  async::Runtime runtime(1);
  runtime.start();
  for (const std::size_t capacity : {1u, 5u, 8192u}) {
    Ends ends(runtime.loop(0));
    ends.send("hello");
    ends.close();  // before the first read: one edge tells of both
    const Received received = async::run_blocking(runtime.loop(0), receive_all(&ends, capacity));
    EXPECT_EQ(received.bytes, "hello");
    EXPECT_TRUE(received.status.ok());
  }
}

TEST(SocketRead, AResetIsAnError) {
  async::Runtime runtime(1);
  runtime.start();
  Ends ends(runtime.loop(0));
  const linger now{1, 0};
  ASSERT_EQ(::setsockopt(ends.far, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
  ends.close();
  const Received received = async::run_blocking(runtime.loop(0), receive_all(&ends, 8192));
  EXPECT_EQ(received.bytes, "");
  EXPECT_EQ(received.status.code(), Code::kCancelled);
}

TEST(SocketRead, AResetThatCameWithTheBytesIsNoticed) {
  async::Runtime runtime(1);
  runtime.start();
  for (const std::size_t capacity : {1u, 5u, 8192u}) {
    Ends ends(runtime.loop(0));
    const linger now{1, 0};
    ASSERT_EQ(::setsockopt(ends.far, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    ends.send("hello");
    ends.close();  // before the first read: one edge tells of both
    const Received received = async::run_blocking(runtime.loop(0), receive_all(&ends, capacity));
    EXPECT_EQ(received.bytes, "hello");
    EXPECT_EQ(received.status.code(), Code::kCancelled);
  }
}

// Whatever the sizes and the pace on both sides: all bytes in order, then the end.
TEST(SocketRead, ReceivesWhatWasSentUnderRandomPieces) {
  async::Runtime runtime(1);
  runtime.start();
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Ends ends(runtime.loop(0));
    const std::size_t capacity = 1 + random() % 3000;
    std::string sent;
    std::thread writer([&] {
      for (int i = 0; i < 200; ++i) {
        std::string piece(1 + random() % (random() % 10 == 0 ? 20000 : 100), '\0');
        for (char& c : piece) c = static_cast<char>(random());
        ends.send(piece);
        sent += piece;
        if (random() % 4 == 0) std::this_thread::yield();
      }
      ends.close();
    });
    const Received received = async::run_blocking(runtime.loop(0), receive_all(&ends, capacity));
    writer.join();
    EXPECT_TRUE(received.status.ok());
    EXPECT_TRUE(received.bytes == sent) << received.bytes.size() << " of " << sent.size();
  }
}

// The loop and the stream end in either order while a read is outstanding.
TEST(SocketRead, MayBeOutstandingWhenTheLoopGoes) {
  for (const bool loop_first : {false, true}) {
    auto loop = std::make_unique<async::Loop>();
    auto ends = std::make_unique<Ends>(*loop);
    auto stream = std::make_unique<Stream>(*loop, std::move(ends->near), nullptr, nullptr);
    stream->watch();
    if (!loop_first) stream.reset();
    ends.reset();
    if (loop_first) {
      // As a suspended coroutine does that the loop destroys: the stream goes with the loop.
      loop->post([held = std::move(stream)] {});
    }
    loop.reset();
  }
}

}  // namespace
}  // namespace nacelle::net
