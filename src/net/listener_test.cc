#include "net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::net {
namespace {

const HostPort kAny{"127.0.0.1", 0};

bool can_connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return connected;
}

TEST(Listener, RefusesClientsUntilItListens) {
  auto listener = Listener::bind(kAny, 3);
  ASSERT_TRUE(listener.ok()) << listener.error().message();
  EXPECT_NE(listener->port(), 0);
  EXPECT_FALSE(can_connect(listener->port()));
  ASSERT_TRUE(listener->listen().ok());
  EXPECT_TRUE(can_connect(listener->port()));
}

TEST(Listener, APortClashFailsAtOnceAndNamesThePort) {
  auto first = Listener::bind(kAny, 2);
  ASSERT_TRUE(first.ok());
  const HostPort same{"127.0.0.1", first->port()};
  for (const bool listening : {false, true}) {
    if (listening) {
      ASSERT_TRUE(first->listen().ok());
    }
    for (std::size_t sockets : {1, 2}) {
      const auto second = Listener::bind(same, sockets);
      ASSERT_FALSE(second.ok()) << (listening ? "listening" : "bound only");
      EXPECT_EQ(second.error().code(), Code::kAlreadyExists);
      EXPECT_THAT(second.error().message(), ::testing::HasSubstr(std::to_string(first->port())));
    }
  }
}

TEST(Listener, APortIsFreeAgainAfterARestartWithOldConnections) {
  std::uint16_t port = 0;
  {
    auto first = Listener::bind(kAny, 1);
    ASSERT_TRUE(first.ok());
    ASSERT_TRUE(first->listen().ok());
    port = first->port();
    // Our side closes first, so that the connection stays in TIME_WAIT here.
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const int fd = first->take(0);
    const int accepted = ::accept(fd, nullptr, nullptr);
    ASSERT_GE(accepted, 0);
    ::close(accepted);
    char byte;
    EXPECT_EQ(::recv(client, &byte, 1, 0), 0);
    ::close(client);
    ::close(fd);
  }
  const auto again = Listener::bind({"127.0.0.1", port}, 2);
  EXPECT_TRUE(again.ok()) << again.error().message();
}

TEST(Listener, SaysWhatIsWrongWithTheHost) {
  EXPECT_EQ(Listener::bind({"example.invalid", 0}, 1).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Listener::bind({"203.0.113.7", 0}, 1).error().code(), Code::kInvalidArgument);
}

TEST(Listener, AnyAddressServesIpv4) {
  auto listener = Listener::bind({"", 0}, 1);
  ASSERT_TRUE(listener.ok()) << listener.error().message();
  ASSERT_TRUE(listener->listen().ok());
  EXPECT_TRUE(can_connect(listener->port()));
}

}  // namespace
}  // namespace nacelle::net
