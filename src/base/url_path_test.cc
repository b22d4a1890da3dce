#include "base/url_path.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(UrlPath, WhatNoPathHoldsIsEncoded) {
  struct Row {
    const char* text;
    const char* encoded;
    const char* path;
  };
  constexpr Row kRows[] = {
      {"", "", ""},
      {"org/Name-1.5_x~", "org/Name-1.5_x~", "org/Name-1.5_x~"},
      {"a:b@c+d;e=f,g!h$i&j'k(l)m*n", "a:b@c+d;e=f,g!h$i&j'k(l)m*n", "a:b@c+d;e=f,g!h$i&j'k(l)m*n"},
      {"a b", "a%20b", "a%20b"},
      {"q?x#y", "q%3Fx%23y", "q%3Fx%23y"},
      {"50%", "50%25", "50%25"},
      {"%4", "%254", "%254"},
      {"%g1", "%25g1", "%25g1"},
      {"%2f%41", "%252f%2541", "%2f%41"},
      {"\xc3\xbc", "%C3%BC", "%C3%BC"},
      {"\"<>\\^`{|}\n\x7f", "%22%3C%3E%5C%5E%60%7B%7C%7D%0A%7F",
       "%22%3C%3E%5C%5E%60%7B%7C%7D%0A%7F"},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(percent_encode_path(row.text), row.encoded) << row.text;
    EXPECT_EQ(as_url_path(row.text), row.path) << row.text;
    EXPECT_EQ(as_url_path(row.encoded), row.encoded) << "once is enough: " << row.text;
  }
}

}  // namespace
}  // namespace nacelle
