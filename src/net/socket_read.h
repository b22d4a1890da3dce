// socket_read.h: one outstanding read of a socket that does not ask the kernel in vain.
//
// async_read_some() tries the socket first and waits only when that fails. On a keep-alive
// connection it always fails: whoever starts a read has just taken all there was. This operation
// learns from the read before (TCP_INQ) whether anything is left, and tells Asio's reactor so,
// which then waits for the next edge at once. Its memory is used again: nothing is allocated per
// read.
//
// Home:    the socket's loop. A read ends with `done`, also after the socket was closed
//          (operation_aborted), or with `lost`.
// Source:  Asio's reactor operations are not part of its documented face: this file is the one
//          place that uses them, and is checked against the version named below.
#pragma once

#include <cstddef>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/version.hpp>

#include "async/task.h"

namespace nacelle::net {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, async::Executor>;

class SocketRead {
 public:
  // `error` is eof at the orderly end. `context` may be destroyed by the call.
  using Done = void (*)(void* context, const boost::system::error_code& error, std::size_t count);
  // The loop was destroyed with the read outstanding. `context` may be destroyed by the call.
  using Lost = void (*)(void* context);

  SocketRead(Done done, Lost lost, void* context)
      : operation_(new Operation(done, lost, context)) {}
  // A read that is outstanding loses its owner; `done` is not called any more.
  ~SocketRead() { operation_->leave(); }
  SocketRead(const SocketRead&) = delete;
  SocketRead& operator=(const SocketRead&) = delete;

  // Reads once into [room, room + size); size > 0. One at a time.
  void start(Socket& socket, char* room, std::size_t size) {
    operation_->start(socket, room, size);
  }

 private:
  // On the heap, because a loop that is destroyed may hold it longer than its owner lives.
  class Operation final : public boost::asio::detail::reactor_op {
   public:
    Operation(Done done, Lost lost, void* context);
    void start(Socket& socket, char* room, std::size_t size);
    void leave();

   private:
    ~Operation() = default;
    static status do_perform(boost::asio::detail::reactor_op* base);
    static void do_complete(void* owner, boost::asio::detail::operation* base,
                            const boost::system::error_code& error, std::size_t count);
    [[nodiscard]] ssize_t receive(bool& more);

    Done done_;
    Lost lost_;
    void* context_;
    boost::asio::detail::epoll_reactor* reactor_ = nullptr;
    boost::asio::detail::epoll_reactor::per_descriptor_data entry_ = nullptr;  // of the socket
    char* room_ = nullptr;
    std::size_t size_ = 0;
    int descriptor_ = -1;
    int pending_error_ = 0;    // came behind the bytes of the read before
    bool tells_left_ = false;  // the kernel says after each read whether there is more
    bool outstanding_ = false;
    bool owned_ = true;
  };

  Operation* const operation_;
};

}  // namespace nacelle::net
