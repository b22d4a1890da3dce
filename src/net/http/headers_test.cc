#include "net/http/headers.h"

#include <string>

#include <gtest/gtest.h>

namespace nacelle::net::http {
namespace {

std::string text_of(const Headers& headers) {
  std::string out;
  for (const auto& field : headers) {
    out.append(field.name).append("=").append(field.value).append(";");
  }
  return out;
}

TEST(Headers, KeepsOrderAndComparesNamesWithoutCase) {
  Headers headers{{"Accept", "a"}, {"X", "1"}, {"accept", "b"}};
  EXPECT_EQ(headers.get("ACCEPT"), "a");
  EXPECT_EQ(headers.count("accept"), 2u);
  EXPECT_EQ(text_of(headers), "Accept=a;X=1;accept=b;");
  headers.set("ACCEPT", "c");
  EXPECT_EQ(text_of(headers), "ACCEPT=c;X=1;");
  EXPECT_EQ(headers.remove("x"), 1u);
  headers.set("y", " padded\t");
  EXPECT_EQ(text_of(headers), "ACCEPT=c;y=padded;");
}

TEST(Headers, ViewsStayValidWhileFieldsAreAdded) {
  Headers headers;
  headers.add("first", "the value");
  const std::string_view value = headers.get("first");
  for (int i = 0; i < 1000; ++i) headers.add("name" + std::to_string(i), std::string(50, 'v'));
  headers.remove("first");
  EXPECT_EQ(value, "the value");
}

TEST(Headers, ACopyOwnsItsText) {
  auto original = std::make_unique<Headers>();
  original->add("a", std::string(5000, 'x'));
  original->add("b", "y");
  const Headers copy = *original;
  original.reset();
  EXPECT_EQ(copy.get("b"), "y");
  EXPECT_EQ(copy.get("a").size(), 5000u);
}

TEST(Headers, FindsTokensInLists) {
  const Headers headers{{"Connection", "keep-alive , Upgrade"}, {"connection", "x"}};
  EXPECT_TRUE(headers.has_token("connection", "upgrade"));
  EXPECT_TRUE(headers.has_token("connection", "X"));
  EXPECT_FALSE(headers.has_token("connection", "keep"));
}

TEST(Headers, ClearForgetsFieldsAndFaults) {
  Headers headers;
  headers.add("bad\n", "v");
  EXPECT_FALSE(headers.validate().ok());
  headers.clear();
  EXPECT_TRUE(headers.validate().ok());
  EXPECT_TRUE(headers.empty());
}

}  // namespace
}  // namespace nacelle::net::http
