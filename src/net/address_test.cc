#include "net/address.h"

#include <gtest/gtest.h>

#include "async/runtime.h"

namespace nacelle::net {
namespace {

TEST(HostPort, ParsesTheFormsPeopleWrite) {
  struct {
    const char* text;
    int default_port;
    const char* host;
    int port;
  } const good[] = {{"a:1", -1, "a", 1},         {"1.2.3.4:65535", -1, "1.2.3.4", 65535},
                    {"[::1]:80", -1, "::1", 80}, {":80", -1, "", 80},
                    {"a", 8000, "a", 8000},      {"[fe80::1]", 8000, "fe80::1", 8000},
                    {"::1", 8000, "::1", 8000},  {"a.b-c_d:0", -1, "a.b-c_d", 0}};
  for (const auto& row : good) {
    const auto parsed = parse_host_port(row.text, row.default_port);
    ASSERT_TRUE(parsed.ok()) << row.text << ": " << parsed.error().message();
    EXPECT_EQ(parsed->host, row.host);
    EXPECT_EQ(parsed->port, row.port);
  }
  for (const char* bad : {"", "a", "a:", "a:b", "a:65536", "a:-1", "a:1x", "::1:80", "[::1",
                          "[::1]x", "[a]:1", "a b:1", "a/b:1", "a:1:2", "user@a:1"}) {
    EXPECT_EQ(parse_host_port(bad).error().code(), Code::kInvalidArgument) << bad;
  }
}

TEST(HostPort, PrintsIpv6InBrackets) {
  EXPECT_EQ((HostPort{"::1", 80}).to_string(), "[::1]:80");
  EXPECT_EQ((HostPort{"a", 80}).to_string(), "a:80");
}

TEST(Resolve, LiteralsNeedNoLookup) {
  async::Runtime runtime(1);
  runtime.start();
  HostPort address{"::1", 7};
  const auto found = async::run_blocking(runtime.loop(0), resolve(address, async::kNoDeadline));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(to_string(found->front()), "[::1]:7");
}

TEST(Resolve, LocalhostComesFromTheHostsFile) {
  async::Runtime runtime(1);
  runtime.start();
  HostPort address{"localhost", 7};
  const auto found = async::run_blocking(runtime.loop(0), resolve(address, async::kNoDeadline));
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_TRUE(found->front().address().is_loopback());
}

}  // namespace
}  // namespace nacelle::net
