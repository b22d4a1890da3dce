#include "net/http/headers.h"

#include <algorithm>
#include <random>
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

TEST(Headers, BorrowsFieldsAndKeepsWhatIsAdded) {
  const Headers original{{"Host", "a"}, {"X-B", "b"}, {"x-b", "c"}};
  Headers copy;
  copy.borrow(original);
  copy.set_known("x-b", " d ");
  copy.set_known("y", "e");
  copy.remove("host");
  EXPECT_EQ(text_of(copy), "x-b=d;y=e;");
  EXPECT_EQ(text_of(original), "Host=a;X-B=b;x-b=c;");
  EXPECT_TRUE(copy.validate().ok());
  copy.set_known("y", "line\nbreak");
  EXPECT_FALSE(copy.validate().ok());
}

// The word-wise comparisons against what they mean, byte by byte.
TEST(Headers, ComparesAndChecksLikeTheObviousLoops) {
  std::mt19937 random(3);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto any_text = [&](std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? random() : 'a' + random() % 26);
    return text;
  };
  for (int round = 0; round < 20000; ++round) {
    const std::string a = any_text(random() % 40);
    std::string b = random() % 8 == 0 ? any_text(a.size()) : a;
    for (char& c : b) {
      if (random() % 16 == 0)
        c = static_cast<char>(c ^ (random() % 2 == 0 ? 0x20 : 1 << random() % 8));
    }
    const bool equal = std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                  [&](char x, char y) { return lower(x) == lower(y); });
    ASSERT_EQ(equals_ignore_case(a, b), equal) << a << " " << b;
    const bool value = std::all_of(b.begin(), b.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte >= 0x20 && byte != 0x7F) || byte == '\t';
    });
    ASSERT_EQ(is_field_value(b), value) << b;
  }
  EXPECT_FALSE(equals_ignore_case("@", "`"));  // they differ in the case bit, but are no letters
  EXPECT_FALSE(equals_ignore_case("[[[[[[[[", "{{{{{{{{"));
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
