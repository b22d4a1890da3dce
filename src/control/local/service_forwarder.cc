#include "control/local/service_forwarder.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "async/event.h"
#include "async/timer.h"
#include "net/listener.h"

namespace nacelle::control {
namespace {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, async::Executor>;

// The peer learns at once that nothing came of it.
void reset(Socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

// One direction: until the sender ends, which is passed on, or something breaks.
async::Task<Status> copy(Socket& from, Socket& to) {
  std::array<char, ServiceForwarder::kBufferBytes> buffer;
  while (true) {
    auto [read_error, got] =
        co_await from.async_read_some(boost::asio::buffer(buffer), async::as_tuple);
    if (read_error == boost::asio::error::eof) break;
    if (read_error) co_return unavailable("{}", read_error.message());
    auto [write_error, put] = co_await boost::asio::async_write(
        to, boost::asio::buffer(buffer.data(), got), async::as_tuple);
    if (write_error) co_return unavailable("{}", write_error.message());
  }
  boost::system::error_code error;
  to.shutdown(Socket::shutdown_send, error);
  co_return Status();
}

async::Task<Status> connect_to(Socket& socket, net::TcpEndpoint endpoint) {
  auto [error] = co_await socket.async_connect(endpoint, async::as_tuple);
  co_return error ? unavailable("{}", error.message()) : Status();
}

}  // namespace

struct ServiceForwarder::Acceptor {
  Acceptor(async::Loop& loop, int fd) : socket(loop.executor(), boost::asio::ip::tcp::v4(), fd) {}
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, async::Executor> socket;
};

struct ServiceForwarder::Connection {
  Connection(Socket socket, async::Loop& loop)
      : client(std::move(socket)), endpoint(loop.executor()), other_done(loop) {}
  Socket client;
  Socket endpoint;
  async::Event other_done;  // the direction back
};

ServiceForwarder::ServiceForwarder(async::Loop& loop) : loop_(loop), scope_(loop) {}
ServiceForwarder::~ServiceForwarder() = default;

Status ServiceForwarder::listen(const net::HostPort& address) {
  ASSIGN_OR_RETURN(net::Listener listener, net::Listener::bind(address, 1));
  RETURN_IF_ERROR(listener.listen());
  port_ = listener.port();
  acceptor_ = std::make_unique<Acceptor>(loop_, listener.take(0));
  scope_.spawn(accept());
  return {};
}

void ServiceForwarder::set_endpoints(std::vector<net::TcpEndpoint> ready) {
  ready_ = std::move(ready);
}

async::Task<void> ServiceForwarder::accept() {
  while (!scope_.stop_requested()) {
    auto [error, socket] = co_await acceptor_->socket.async_accept(async::as_tuple);
    if (scope_.stop_requested()) co_return;
    if (error) {
      // Out of descriptors, mostly: those that end give some back.
      if (const bool slept = co_await scope_.sleep(50ms); !slept) co_return;
      continue;
    }
    auto connection = std::make_shared<Connection>(Socket(std::move(socket)), loop_);
    if (connections_ >= kMaxConnections) {
      reset(connection->client);
      continue;
    }
    ++connections_;
    scope_.spawn(serve(std::move(connection)));
  }
}

async::Task<bool> ServiceForwarder::connect(Connection& connection) {
  // The endpoints as they are now, beginning with the next in turn.
  const std::vector<net::TcpEndpoint> candidates = ready_;
  const std::size_t first = next_++;
  for (std::size_t i = 0; i < candidates.size() && !scope_.stop_requested(); ++i) {
    const net::TcpEndpoint endpoint = candidates[(first + i) % candidates.size()];
    const TimePoint deadline = std::chrono::steady_clock::now() + kConnectTimeout;
    const Status connected = co_await async::with_deadline(
        connect_to(connection.endpoint, endpoint), deadline, "the endpoint");
    if (connected.ok()) co_return true;
    boost::system::error_code ignored;
    connection.endpoint.close(ignored);
  }
  co_return false;
}

async::Task<void> ServiceForwarder::serve(std::shared_ptr<Connection> connection) {
  struct Count {
    std::size_t& value;
    ~Count() { --value; }
  } count{connections_};
  if (const bool connected = co_await connect(*connection); !connected) {
    reset(connection->client);
    co_return;
  }
  boost::system::error_code ignored;
  connection->client.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  connection->endpoint.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  struct Back {
    static async::Task<void> run(std::shared_ptr<Connection> both) {
      const Status copied = co_await copy(both->endpoint, both->client);
      if (!copied.ok()) {
        reset(both->client);
        reset(both->endpoint);
      }
      both->other_done.set();
    }
  };
  scope_.spawn(Back::run(connection));
  const Status copied = co_await copy(connection->client, connection->endpoint);
  if (!copied.ok()) {
    reset(connection->client);
    reset(connection->endpoint);
  }
  (void)co_await connection->other_done.wait();
}

async::Task<void> ServiceForwarder::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
  acceptor_.reset();
}

}  // namespace nacelle::control
