#include "net/socket_read.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include <boost/asio/error.hpp>

namespace nacelle::net {

static_assert(BOOST_ASIO_VERSION == 102600,
              "compare SocketRead with reactive_socket_recv_op and epoll_reactor::start_op of this "
              "version of Asio");

namespace detail = boost::asio::detail;

namespace {

#ifndef TCP_INQ
constexpr int TCP_INQ = 36;
#endif
#ifndef TCP_CM_INQ
constexpr int TCP_CM_INQ = TCP_INQ;
#endif

// The reactor's entry of a socket, a protected member of its base class.
detail::epoll_reactor::per_descriptor_data& reactor_entry(Socket& socket) {
  struct Opened : Socket {
    static auto member() { return &Opened::impl_; }
  };
  return (socket.*Opened::member()).get_implementation().reactor_data_;
}

// Whether the reactor saw an error or a hang-up when it last looked at the descriptor. An entry is
// the operation that the reactor queues for its events, which it passes as the result.
bool saw_error(detail::epoll_reactor::per_descriptor_data entry) {
  struct Queued : detail::scheduler_operation {
    static auto member() { return &Queued::task_result_; }
  };
  auto* const queued = (detail::scheduler_operation*)entry;  // NOLINT: a private base class
  return (queued->*Queued::member() & (EPOLLERR | EPOLLHUP)) != 0;
}

// A reset that came behind the bytes: TCP_INQ counts a FIN but not this, and its edge may have been
// the bytes' edge too. One that comes after the reactor looked has an edge of its own.
int error_of(int descriptor) {
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

}  // namespace

SocketRead::Operation::Operation(Done done, Lost lost, void* context)
    : reactor_op(boost::system::error_code(), &Operation::do_perform, &Operation::do_complete),
      done_(done),
      lost_(lost),
      context_(context) {}

void SocketRead::Operation::start(Socket& socket, char* room, std::size_t size) {
  if (reactor_ == nullptr) {
    reactor_ = &boost::asio::use_service<detail::epoll_reactor>(socket.get_executor().context());
    descriptor_ = socket.native_handle();
    const int on = 1;
    tells_left_ = ::setsockopt(descriptor_, IPPROTO_TCP, TCP_INQ, &on, sizeof(on)) == 0;
  }
  outstanding_ = true;
  entry_ = reactor_entry(socket);
  room_ = room;
  size_ = size;
  ec_.clear();
  bytes_transferred_ = 0;
  reactor_->start_op(detail::epoll_reactor::read_op, descriptor_, entry_, this,
                     /*is_continuation=*/false, /*allow_speculative=*/true);
}

// `more` stays true when the kernel does not say that nothing is left. At the end of the stream it
// says that something is, so that a FIN which came with the last bytes is not missed.
ssize_t SocketRead::Operation::receive(bool& more) {
  if (!tells_left_) return ::recv(descriptor_, room_, size_, 0);
  iovec piece{room_, size_};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t count = ::recvmsg(descriptor_, &message, 0);
  if (count < 0) return count;
  const cmsghdr* const told = CMSG_FIRSTHDR(&message);
  if (told != nullptr && told->cmsg_level == IPPROTO_TCP && told->cmsg_type == TCP_CM_INQ) {
    int left = 1;
    std::memcpy(&left, CMSG_DATA(told), sizeof(left));
    more = left != 0;
  }
  return count;
}

// Called by the reactor: at the start of a read when the socket may have something, and at an edge.
SocketRead::Operation::status SocketRead::Operation::do_perform(reactor_op* base) {
  auto* const read = static_cast<Operation*>(base);
  if (read->pending_error_ != 0) {
    read->ec_.assign(read->pending_error_, boost::asio::error::get_system_category());
    return done;
  }
  for (;;) {
    bool more = true;
    const ssize_t count = read->receive(more);
    if (count > 0) {
      read->bytes_transferred_ = static_cast<std::size_t>(count);
      if (!more && saw_error(read->entry_)) read->pending_error_ = error_of(read->descriptor_);
      return more || read->pending_error_ != 0 ? done : done_and_exhausted;
    }
    if (count == 0) {
      read->ec_ = boost::asio::error::eof;
      return done_and_exhausted;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return not_done;
    read->ec_.assign(errno, boost::asio::error::get_system_category());
    return done;
  }
}

// `owner` is null when the loop is destroyed with the read outstanding.
void SocketRead::Operation::do_complete(void* owner, detail::operation* base,
                                        const boost::system::error_code&, std::size_t) {
  auto* const read = static_cast<Operation*>(base);
  read->outstanding_ = false;
  if (!read->owned_) {
    delete read;
    return;
  }
  if (owner == nullptr) {
    read->lost_(read->context_);  // may delete *read
    return;
  }
  const boost::system::error_code error = read->ec_;
  read->done_(read->context_, error, read->bytes_transferred_);  // may delete *read
}

void SocketRead::Operation::leave() {
  owned_ = false;
  if (!outstanding_) delete this;
}

}  // namespace nacelle::net
